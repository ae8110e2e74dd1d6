// How far the journal has been read, across runs of journalctl: what is new, what is missing, what must be read again.
import type { Arrival } from './arrival.ts';
import { entriesBetween, isSameEntry } from './cursor.ts';
import { type JournalEntry, toEntryAt } from './entry.ts';
import { LineJoiner } from './line-joiner.ts';
import { RecentEntries } from './recent.ts';
import type { FollowIncident, LogPosition } from './source.ts';

/**
 * While our unit is silent, an entry of another is yielded about once a minute, so that the position
 * does not grow so old that the journal forgets it, which would look like a gap.
 */
export const SIGN_OF_LIFE_US = 60_000_000;

/** At most one of so many entries starts journalctl again, however many are missing. */
const ENTRIES_PER_DOUBT = 100;

/** What arrivals came to. */
export interface Taken {
  readonly entries: readonly JournalEntry[];
  /** Something is missing that may be there when looked for again: start anew from `position`. */
  readonly isDoubtful: boolean;
}

/**
 * Keeps the place in a journal. Each run of journalctl begins with `start`; its first arrival should
 * be the entry that was handled last. If it is not, journalctl has silently gone to the nearest one
 * it has: a gap. So is a number that is passed over, but only when reading again does not find it,
 * because journalctl passes over entries at a rotation, or when one of its files fails it.
 */
export class Progress {
  readonly #onIncident: (incident: FollowIncident) => void;
  readonly #moreFields: readonly string[];
  readonly #joiner = new LineJoiner();
  readonly #recent = new RecentEntries();
  #position: LogPosition | undefined;
  #newest: LogPosition | undefined;
  #expected: LogPosition | undefined;
  #yielded: LogPosition | undefined;
  #doubted: LogPosition | undefined;
  #sinceDoubt = ENTRIES_PER_DOUBT;

  constructor(
    after: LogPosition | undefined,
    onIncident: (incident: FollowIncident) => void,
    moreFields: readonly string[] = [],
  ) {
    this.#position = after;
    this.#yielded = after;
    this.#onIncident = onIncident;
    this.#moreFields = moreFields;
  }

  /** Where to read on from: nothing before or at it is needed any more. */
  get position(): LogPosition | undefined {
    return this.#position;
  }

  /** The last arrival of this run, handled or held back. */
  get newest(): LogPosition | undefined {
    return this.#newest;
  }

  /** A new run begins at `position`. */
  start(): void {
    this.#joiner.reset();
    this.#expected = this.#position;
    this.#newest = undefined;
  }

  /** Takes the next arrivals of the run. */
  take(all: readonly Arrival[]): Taken {
    const arrivals = this.#resume(all);
    const end = this.#findDoubt(arrivals);
    const certain = end === undefined ? arrivals : arrivals.slice(0, end);
    this.#newest = certain.at(-1)?.position ?? this.#newest;
    return {
      entries: this.#release(this.#joiner.join(certain)),
      isDoubtful: end !== undefined,
    };
  }

  /** Nothing more comes: gives what was held back for a line to be whole. */
  flush(): readonly JournalEntry[] {
    return this.#release(this.#joiner.flush());
  }

  #resume(arrivals: readonly Arrival[]): readonly Arrival[] {
    const [first] = arrivals;
    const expected = this.#expected;
    if (first === undefined || expected === undefined) return arrivals;
    this.#expected = undefined;
    this.#newest = expected;
    const handled = arrivals.findIndex((arrival) =>
      isSameEntry(arrival.position.cursor, expected.cursor),
    );
    if (handled < 0) this.#reportGap(expected, first.position);
    return arrivals.slice(handled + 1);
  }

  // The index of the first arrival before which something is missing that reading again may find.
  #findDoubt(arrivals: readonly Arrival[]): number | undefined {
    this.#sinceDoubt += arrivals.length;
    if (!arrivals.some(({ missing }) => missing > 0)) return undefined;
    for (const [index, { missing, position }] of arrivals.entries()) {
      if (missing === 0) continue;
      const isKnown =
        this.#doubted !== undefined && isSameEntry(this.#doubted.cursor, position.cursor);
      if (!isKnown && this.#sinceDoubt >= ENTRIES_PER_DOUBT) {
        this.#doubted = position;
        this.#sinceDoubt = 0;
        return index;
      }
      const before = arrivals[index - 1]?.position ?? this.#newest;
      if (before !== undefined) this.#reportGap(before, position);
    }
    return undefined;
  }

  #reportGap(from: LogPosition, to: LogPosition): void {
    const entries = entriesBetween(from.cursor, to.cursor);
    if (entries !== 0) this.#onIncident({ kind: 'gap', from, to, entries });
  }

  #release(released: readonly Arrival[]): readonly JournalEntry[] {
    const last = released.at(-1);
    if (last === undefined) return [];
    this.#position = last.position;
    const entries: JournalEntry[] = [];
    for (const { entry, position, suppressed } of released) {
      if (suppressed > 0) {
        this.#onIncident({ kind: 'suppressed', entries: suppressed, at: position });
      }
      if (entry !== undefined && this.#recent.isNew(position)) {
        entries.push(toEntryAt(position, entry, this.#moreFields));
      }
    }
    if (entries.length === 0 && this.#isSignDue(last.position)) {
      entries.push(signOfLife(last.position));
    }
    this.#yielded = entries.at(-1) ?? this.#yielded;
    return entries;
  }

  #isSignDue({ realtimeUs }: LogPosition): boolean {
    if (this.#yielded === undefined) return true;
    return Math.abs(realtimeUs - this.#yielded.realtimeUs) >= SIGN_OF_LIFE_US;
  }
}

// Only where it stands: what it says is not for us.
function signOfLife({ cursor, realtimeUs }: LogPosition): JournalEntry {
  return {
    cursor,
    realtimeUs,
    unit: undefined,
    uid: undefined,
    exe: undefined,
    pid: undefined,
    transport: undefined,
    message: '',
    truncated: false,
  };
}
