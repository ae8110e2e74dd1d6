// Tells a journal in which nothing happens from a journalctl that does not deliver what there is.
import { isSameEntry } from './cursor.ts';
import type { LogPosition } from './source.ts';

/** How long nothing may come before it is asked whether there is anything. */
export interface Patience {
  /** Until it is known that all is read: this is also how soon the lag is known to be nothing. */
  readonly firstMs: number;
  /** From then on; each question is a start of journalctl. */
  readonly nextMs: number;
  /**
   * A journalctl that had this long to show an entry that is there does not work. Doubled by each
   * run without any, up to eight times: disks may be slow.
   */
  readonly stalledMs: number;
}

export const PATIENCE: Patience = { firstMs: 2_000, nextMs: 20_000, stalledMs: 10_000 };

/** An entry that so many runs did not show is not for us to read: only its newest one tells of it. */
const MAX_RUNS = 4;

export type Silence = 'read_all' | 'behind' | 'stalled';

/** Judges the silences of runs. */
export class Stalls {
  readonly #patience: Patience;
  #missed: LogPosition | undefined;
  #missedRuns = 0;
  #isQuiet = false;
  #behindMs: number | null = null;

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  /** How long a silence is now. */
  get silenceMs(): number {
    return this.#isQuiet ? this.#patience.nextMs : this.#patience.firstMs;
  }

  /** A run begins. */
  start(): void {
    this.#isQuiet = false;
    this.#behindMs = null;
  }

  /** Something came. */
  arrived(): void {
    this.#behindMs = null;
  }

  /**
   * There was a silence. `newest` is what another journalctl shows as the newest entry, null when that
   * cannot be told; `read` what was read last; `fruitless` how many runs have brought nothing.
   */
  judge(newest: LogPosition | null, read: LogPosition | undefined, fruitless: number): Silence {
    const lastedMs = this.silenceMs;
    if (newest === null || isAt(newest, read) || this.#isGivenUp(newest)) {
      this.#isQuiet = true;
      this.#behindMs = null;
      return 'read_all';
    }
    this.#isQuiet = false;
    const limit = this.#patience.stalledMs * 2 ** Math.min(fruitless, 3);
    // The first time, the entry may have come into the journal just now.
    this.#behindMs = this.#behindMs === null ? 0 : this.#behindMs + lastedMs;
    if (this.#behindMs < limit) return 'behind';
    this.#missedRuns = isAt(newest, this.#missed) ? this.#missedRuns + 1 : 1;
    this.#missed = newest;
    return 'stalled';
  }

  #isGivenUp(newest: LogPosition): boolean {
    return isAt(newest, this.#missed) && this.#missedRuns >= MAX_RUNS;
  }
}

function isAt(entry: LogPosition, other: LogPosition | undefined): boolean {
  return other !== undefined && isSameEntry(entry.cursor, other.cursor);
}
