// Follows the journal for as long as the agent lives: restarts journalctl, keeps its place, reports what went wrong.
import { setTimeout as delay } from 'node:timers/promises';
import { AgentError } from '../../errors.ts';
import { type Backoff, backoffMs, JOURNALCTL_BACKOFF } from './backoff.ts';
import { isSameEntry, type JournalPosition } from './cursor.ts';
import type { JournalEntry } from './entry.ts';
import { type JournalSource, type JournalStart, readJournalctl } from './journalctl.ts';

/** What an operator should know about the reading itself; each is worth a metric. */
export type FollowIncident =
  /** An entry was dropped; what follows it is read. */
  | { readonly kind: 'entry_invalid'; readonly error: AgentError }
  /** The place we had is no longer in the journal: entries in between may be lost. */
  | { readonly kind: 'cursor_gone'; readonly position: JournalPosition }
  /** journalctl ended and is started again after `waitMs`. */
  | { readonly kind: 'restart'; readonly error: AgentError; readonly waitMs: number };

export interface FollowOptions {
  readonly source: JournalSource;
  /** The last entry that was handled; reading starts after it. */
  readonly after?: JournalPosition;
  /** Where to start when there is no such entry, e.g. the boot of the host. */
  readonly since: Date;
  /** Ends the iteration, without an error. */
  readonly signal: AbortSignal;
  readonly onIncident?: (incident: FollowIncident) => void;
  /** Default `JOURNALCTL_BACKOFF`. */
  readonly backoff?: Backoff;
  /** Waits, or rejects when the signal aborts. Default: a timer. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * From this many runs in a row without a new entry on, every second run starts by time instead of by
 * cursor: journalctl refuses a cursor it cannot parse, and can die of the entry it points at.
 */
const FRUITLESS_RUNS = 3;

/**
 * Yields the entries of the journal in batches, in order, each entry once as long as its cursor
 * exists. Ends only by the signal or by the consumer; whatever happens to journalctl is an incident
 * and a restart. The caller must persist the position only with what came of the entries.
 */
export async function* followJournal(
  options: FollowOptions,
): AsyncGenerator<readonly JournalEntry[], void> {
  const { source, signal, onIncident = () => {} } = options;
  const onInvalid = (error: AgentError): void => onIncident({ kind: 'entry_invalid', error });
  let position = options.after;
  let fruitless = 0;
  while (!signal.aborted) {
    const start = startOf(position, options.since, fruitless);
    fruitless += 1;
    let expected = position;
    try {
      for await (const batch of readJournalctl(source, start, signal, onInvalid)) {
        const entries = expected === undefined ? batch : resume(batch, expected, onIncident);
        expected = undefined;
        const last = entries.at(-1);
        if (last === undefined) continue;
        fruitless = 0;
        position = last;
        yield entries;
      }
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      if (!(await wait(error, fruitless, options))) return;
    }
  }
}

function startOf(
  position: JournalPosition | undefined,
  since: Date,
  fruitless: number,
): JournalStart {
  if (position === undefined) return { sinceUs: since.getTime() * 1000 };
  const byTime = fruitless >= FRUITLESS_RUNS && fruitless % 2 === 1;
  return byTime ? { sinceUs: position.realtimeUs } : { cursor: position.cursor };
}

// A run starts with the last handled entry itself. If it does not, journalctl has silently gone to
// the nearest one it has.
function resume(
  batch: readonly JournalEntry[],
  position: JournalPosition,
  onIncident: (incident: FollowIncident) => void,
): readonly JournalEntry[] {
  const handled = batch.findIndex((entry) => isSameEntry(entry.cursor, position.cursor));
  if (handled < 0) onIncident({ kind: 'cursor_gone', position });
  return batch.slice(handled + 1);
}

async function wait(
  error: AgentError,
  fruitless: number,
  options: FollowOptions,
): Promise<boolean> {
  const { signal, onIncident, sleep = sleepMs, random = Math.random } = options;
  if (signal.aborted) return false;
  const waitMs = backoffMs(fruitless, random(), options.backoff ?? JOURNALCTL_BACKOFF);
  onIncident?.({ kind: 'restart', error, waitMs });
  try {
    await sleep(waitMs, signal);
  } catch {
    // The signal aborted the wait.
    return false;
  }
  return true;
}

async function sleepMs(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal });
}
