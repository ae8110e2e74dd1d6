// Asks the API server which containers of a node wait for their image.
import { AgentError } from '../../errors.ts';
import { type ApiClientOptions, sendRead } from './api-client.ts';
import { podsPath } from './pods.ts';
import { parseWaitingPage, type WaitingContainer } from './waiting.ts';

/** Whole pods have tens of kilobytes: a page stays within a reply's bound. */
const PAGE_SIZE = 50;
/** As many pods as are asked for elsewhere: more than any kubelet is set to. */
const MAX_PAGES = 40;
/** A list expires when it is read for minutes. */
const MAX_BEGINNINGS = 3;

/** `pending`: those that never ran with all their containers, which are few; `all`: of the whole node. */
export type WaitingScope = 'pending' | 'all';

/**
 * Those of the pods of a node. Needs the right to list pods. Throws `kubernetes_failed`, also when
 * lists expire one after the other.
 */
export async function listWaiting(
  api: ApiClientOptions,
  nodeName: string,
  scope: WaitingScope,
  signal: AbortSignal,
): Promise<readonly WaitingContainer[]> {
  for (let beginning = 0; beginning < MAX_BEGINNINGS; beginning += 1) {
    const found = await listOnce(api, nodeName, scope, signal);
    if (found !== null) return found;
  }
  throw new AgentError('kubernetes_failed', `list of pods: expired ${MAX_BEGINNINGS} times`);
}

/** Null when it expired. */
async function listOnce(
  api: ApiClientOptions,
  nodeName: string,
  scope: WaitingScope,
  signal: AbortSignal,
): Promise<readonly WaitingContainer[] | null> {
  const all: WaitingContainer[] = [];
  let next = '';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const path = podsPath(nodeName, next, PAGE_SIZE, scope === 'pending' ? 'Pending' : '');
    const reply = await sendRead(api, { path, accept: 'application/json' }, signal);
    const found = parseWaitingPage(reply);
    if (found.isExpired) return null;
    all.push(...found.containers);
    next = found.next;
    if (next === '') return all;
  }
  const most = MAX_PAGES * PAGE_SIZE;
  throw new AgentError('kubernetes_failed', `list of pods: expected at most ${most}, found more`);
}
