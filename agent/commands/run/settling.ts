// Settles pulls while the log is silent: what no further line tells of must be counted too.
import type { Clock } from '../../audit/clock.ts';
import type { Ledger } from '../../audit/ledger.ts';
import type { LogLag } from '../../metrics/sources.ts';

export interface SettlingParts {
  readonly ledger: Pick<Ledger, 'pulls'>;
  /** How far behind each source of the log is. */
  readonly lags: () => readonly LogLag[];
  readonly clock: Clock;
}

const INTERVAL_MS = 5000;
/** By how much journald may be late with a line, and we with reading it. */
const CAUGHT_UP_MS = 10_000;
/** Sources that are behind are waited for, but one that is broken must not hold up the others. */
const BEHIND_MS = 10 * 60 * 1000;
const CAUGHT_UP_LAG_SECONDS = 5;

/** A part of the process. */
export class Settling {
  readonly #parts: SettlingParts;

  constructor(parts: SettlingParts) {
    this.#parts = parts;
  }

  /** Names the sources to the ledger, then settles until the signal aborts. Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    const { ledger, lags, clock } = this.#parts;
    ledger.pulls.follow(lags().map(({ source }) => source));
    for (;;) {
      await clock.sleep(INTERVAL_MS, signal);
      if (signal.aborted) return;
      const isCaughtUp = lags().every(
        ({ seconds }) => seconds !== null && seconds < CAUGHT_UP_LAG_SECONDS,
      );
      const marginMs = isCaughtUp ? CAUGHT_UP_MS : BEHIND_MS;
      ledger.pulls.settle(new Date(clock.now().getTime() - marginMs));
    }
  }
}
