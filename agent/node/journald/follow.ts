// Follows the journal for as long as the agent lives: restarts journalctl, keeps its place, reports what went wrong.
import { setTimeout as delay } from 'node:timers/promises';
import { AgentError } from '../../errors.ts';
import { type Backoff, backoffMs, JOURNALCTL_BACKOFF } from './backoff.ts';
import type { JournalEntry } from './entry.ts';
import { type JournalReaders, ReaderChoice } from './journal-reader.ts';
import { type JournalRun, readJournal } from './journal-run.ts';
import { findOlderReader } from './journalctl-answers.ts';
import type { JournalStart } from './journalctl.ts';
import { Progress } from './progress.ts';
import type { FollowRequest, LogPosition, LogSource } from './source.ts';
import { type Patience, PATIENCE, Stalls } from './stall.ts';

export interface JournalOptions {
  readonly readers: JournalReaders;
  /** Only entries whose writer was in this unit's cgroup are yielded. */
  readonly unit: string;
  /** Fields that entries are to have as `more`. Default: none. */
  readonly moreFields?: readonly string[];
  /** The version of the host's systemd; null when it cannot be told. Default: it cannot. */
  readonly hostVersion?: (signal: AbortSignal) => Promise<number | null>;
  /** Default `JOURNALCTL_BACKOFF`. */
  readonly backoff?: Backoff;
  /** Default `PATIENCE`. */
  readonly patience?: Patience;
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

/** The journal as a source. Nothing runs before it is followed. */
export function createJournalSource(options: JournalOptions): LogSource {
  return { follow: (request) => followJournal(options, request) };
}

/**
 * Yields entries as `LogSource` has it: each once as long as the journal has the one before it, and
 * about one entry of another unit a minute while ours is silent. Whatever happens to journalctl is an
 * incident and a restart.
 */
async function* followJournal(
  options: JournalOptions,
  request: FollowRequest,
): AsyncGenerator<readonly JournalEntry[], void> {
  const { signal, onIncident } = request;
  const { moreFields = [] } = options;
  const progress = new Progress(request.after, onIncident, moreFields);
  const stalls = new Stalls(options.patience ?? PATIENCE);
  const choice = new ReaderChoice(options.readers);
  let fruitless = 0;
  while (!signal.aborted) {
    const { readers, unit } = options;
    const { position } = progress;
    const start = startOf(position, request.since, fruitless);
    const run: JournalRun = {
      ...{ reader: choice.current, readers, unit, start, progress, stalls, fruitless },
      ...{ moreFields, signal, onIncident },
    };
    try {
      for await (const entries of readJournal(run)) if (entries.length > 0) yield entries;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      const isFruitless = progress.position === position;
      fruitless = isFruitless ? fruitless + 1 : 1;
      if (choice.ended(isFruitless)) fallBack(error, choice, options, request);
      else await wait(error, fruitless, options, request);
    }
  }
}

function startOf(position: LogPosition | undefined, since: Date, fruitless: number): JournalStart {
  if (position === undefined) return { sinceUs: since.getTime() * 1000 };
  const byTime = fruitless >= FRUITLESS_RUNS && fruitless % 2 === 1;
  return byTime ? { sinceUs: position.realtimeUs } : { cursor: position.cursor };
}

function fallBack(
  error: AgentError,
  { current }: ReaderChoice,
  { hostVersion = async () => Promise.resolve(null) }: JournalOptions,
  { signal, onIncident }: FollowRequest,
): void {
  if (signal.aborted) return;
  onIncident({ kind: 'fallback', error });
  // Reading does not wait for the answer, which is for an operator only.
  void findOlderReader(current, hostVersion, signal).then((older) => {
    if (older !== null) onIncident({ kind: 'older_reader', ...older });
  });
}

async function wait(
  error: AgentError,
  fruitless: number,
  { sleep = sleepMs, random = Math.random, backoff = JOURNALCTL_BACKOFF }: JournalOptions,
  { signal, onIncident }: FollowRequest,
): Promise<void> {
  if (signal.aborted) return;
  const waitMs = backoffMs(fruitless, random(), backoff);
  onIncident({ kind: 'restart', error, waitMs });
  try {
    await sleep(waitMs, signal);
  } catch {
    // The signal aborted the wait.
  }
}

async function sleepMs(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal });
}
