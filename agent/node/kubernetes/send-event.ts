// Tells the API server of an Event: makes it, or raises the count of the one that is there.
import { AgentError } from '../../errors.ts';
import { type ApiClientOptions, sendPatch, sendPost } from './api-client.ts';
import {
  type EventSeries,
  eventName,
  eventsPath,
  isSubject,
  lastOf,
  newEvent,
  parseEventCount,
  raisedCount,
} from './event.ts';
import { parseJson, type Reply, said } from './reply.ts';

/** What came of it. `later`: it may be told in a while; `refused`: it will never be taken. */
export type EventSent =
  | { readonly kind: 'sent' }
  | { readonly kind: 'refused'; readonly error: AgentError }
  | { readonly kind: 'later'; readonly error: AgentError; readonly afterMs: number };

const CREATED = 201;
const OK = 200;
const NOT_FOUND = 404;
const SERVER_ERROR = 500;
/**
 * Unauthorized while tokens rotate, a timeout, a conflict with one that was made meanwhile, and too
 * many requests. Forbidden is not among them: a namespace that is going takes no Event ever.
 */
const TRANSIENT: ReadonlySet<number> = new Set([401, 408, 409, 429]);

/**
 * Whether it is there is asked by changing it: its answer has the count, so no right but to create and
 * to patch is needed, and nothing has to be kept. Told twice after an answer was lost, it counts twice.
 */
export async function sendEvent(
  api: ApiClientOptions,
  nodeName: string,
  series: EventSeries,
  signal: AbortSignal,
): Promise<EventSent> {
  if (!isSubject(series.subject)) return { kind: 'refused', error: failed('no such object') };
  try {
    const path = `${eventsPath(series.subject)}/${eventName(series)}`;
    const type = 'application/merge-patch+json';
    const found = await sendPatch(api, { path, type, value: lastOf(series) }, signal);
    if (found.status === NOT_FOUND) return await create(api, nodeName, series, signal);
    if (found.status !== OK) return unsent(found);
    const value = raisedCount(parseEventCount(found), series);
    const raised = await sendPatch(api, { path, type, value }, signal);
    return raised.status === OK ? { kind: 'sent' } : unsent(raised);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { kind: 'later', error, afterMs: 0 };
  }
}

async function create(
  api: ApiClientOptions,
  nodeName: string,
  series: EventSeries,
  signal: AbortSignal,
): Promise<EventSent> {
  const path = eventsPath(series.subject);
  const made = await sendPost(api, { path, value: newEvent(series, nodeName) }, signal);
  return made.status === CREATED ? { kind: 'sent' } : unsent(made);
}

function unsent({ status, body, retryAfterMs: afterMs = 0 }: Reply): EventSent {
  const error = failed(`expected 200 or 201, found ${status}${said(parseJson(body))}`);
  if (!TRANSIENT.has(status) && status < SERVER_ERROR) return { kind: 'refused', error };
  return { kind: 'later', error, afterMs };
}

function failed(fault: string): AgentError {
  return new AgentError('kubernetes_failed', `Event: ${fault}`);
}
