// Keeps the ledger as young and as small as it is to be, in steps that nobody waits for.
import type { Clock } from './clock.ts';
import type { LedgerSpace, Space } from './ledger-space.ts';

/** What may be removed, and why it was. */
export const REMOVAL_CAUSES = ['age', 'size', 'gone'] as const;
export type RemovalCause = (typeof REMOVAL_CAUSES)[number];

export interface RetentionOptions {
  readonly space: Pick<
    LedgerSpace,
    'space' | 'removeOlder' | 'removeOldest' | 'tablesOfImages' | 'removeGone' | 'giveBack'
  >;
  /** How old a line may become, and what is known of an image after it is gone. */
  readonly maxAgeMs: number;
  /** Of what the ledger holds; its file is at most `SLACK_BYTES` larger once it was swept. */
  readonly maxBytes: number;
  readonly clock: Clock;
  /** Rows were removed: for metrics, never for counting what is left. */
  readonly onRemoved?: (cause: RemovalCause, count: number) => void;
}

/** At 200 pulls a second, what comes in between is less than 10 MiB. */
export const SWEEP_MS = 60_000;
/** The event loop also answers pulls: a step takes a few milliseconds, and then they have their turn. */
export const STEP_ROWS = 200;
const STEP_BYTES = 256 * 1024;
const PAUSE_MS = 10;
/** What is free is used again first; only a ledger that shrank gives room back. */
export const SLACK_BYTES = 1024 * 1024;
/** An image's row may come minutes after its verdict: even where room is short, that is waited for. */
const LEAST_AGE_MS = 60 * 60 * 1000;

/** Sweeps now and then until the signal aborts. Rejects with `ledger_failed`. */
export async function retain(options: RetentionOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sweep(options, signal);
    await options.clock.sleep(SWEEP_MS, signal);
  }
}

/** Removes all that is to be removed, step by step, and gives its room back. */
export async function sweep(options: RetentionOptions, signal: AbortSignal): Promise<void> {
  const { space, maxAgeMs, maxBytes, clock } = options;
  const ago = (ms: number) => new Date(clock.now().getTime() - ms);
  const isOver = () => used(space.space()) > maxBytes;
  const whole = async (cause: RemovalCause, step: () => number, isWanted = () => true) => {
    // Less than asked for: nothing is left to remove.
    for (let removed = STEP_ROWS; removed >= STEP_ROWS && isWanted() && !signal.aborted;) {
      removed = step();
      if (removed > 0) options.onRemoved?.(cause, removed);
      await clock.sleep(PAUSE_MS, signal);
    }
  };
  await whole('age', () => space.removeOlder(ago(maxAgeMs), STEP_ROWS));
  for (const table of space.tablesOfImages) {
    await whole('gone', () => space.removeGone(table, ago(maxAgeMs), STEP_ROWS));
  }
  await whole('size', () => space.removeOldest(STEP_ROWS), isOver);
  for (const table of space.tablesOfImages) {
    await whole('gone', () => space.removeGone(table, ago(LEAST_AGE_MS), STEP_ROWS), isOver);
  }
  while (space.space().free > SLACK_BYTES && !signal.aborted) {
    space.giveBack(STEP_BYTES);
    await clock.sleep(PAUSE_MS, signal);
  }
}

function used({ file, free }: Space): number {
  return file - free;
}
