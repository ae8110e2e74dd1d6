// How far the journal of a machine was uploaded, so that what is sent again is known: systemd.journal-fields(7), __SEQNUM=.
import { entriesBetween, isSameEntry, sequenceNumberOf } from './cursor.ts';
import type { LogPosition } from './source.ts';

/** A machine has one numbering at a time, and another after its journal was removed or moved. */
const MAX_NUMBERINGS = 8;

const SEPARATOR = '|';

/**
 * The last entry that was handled of each numbering. Within one, a number that is not greater was
 * handled. journald numbers anew what it copies from /run to /var: such entries are known by the time
 * since their boot, which the copy has too.
 *
 * Not told apart: entries of a machine that was set back to an older state of itself (a snapshot), and
 * counts on from there.
 */
export class UploadPlace {
  /** By the id of the numbering; the one heard of last is the last. */
  readonly #cursors = new Map<string, string>();
  #last: LogPosition | undefined;

  /** `after` is a position that `moveTo` has given, or one of a journal that was read in place. */
  constructor(after: LogPosition | undefined) {
    if (after === undefined) return;
    const cursors = after.cursor.split(SEPARATOR);
    for (const cursor of cursors) {
      const sequence = sequenceNumberOf(cursor);
      if (sequence !== undefined) this.#cursors.set(sequence.id, cursor);
    }
    this.#last = { cursor: cursors.at(-1) ?? '', realtimeUs: after.realtimeUs };
  }

  /** The entry that was handled last. */
  get last(): LogPosition | undefined {
    return this.#last;
  }

  /** Tells whether the entry was not handled before. */
  isNew(cursor: string): boolean {
    if (this.#last === undefined) return true;
    const sequence = sequenceNumberOf(cursor);
    const known = sequence === undefined ? undefined : this.#cursors.get(sequence.id);
    if (sequence !== undefined && known !== undefined) {
      return sequence.number > (sequenceNumberOf(known)?.number ?? 0);
    }
    if (isSameEntry(cursor, this.#last.cursor)) return false;
    const [boot, lastBoot] = [bootOf(cursor), bootOf(this.#last.cursor)];
    const isOfThisBoot = boot !== undefined && boot.id === lastBoot?.id;
    return !isOfThisBoot || boot.us > lastBoot.us;
  }

  /**
   * How many entries of any writer are missing between the one handled before it and a new one; null
   * when nobody can tell, which is no sign of any.
   */
  missingBefore(cursor: string): number | null {
    const id = sequenceNumberOf(cursor)?.id;
    const known = id === undefined ? undefined : this.#cursors.get(id);
    return known === undefined ? null : entriesBetween(known, cursor);
  }

  /** The entry was handled. Returns the position to keep of it. */
  moveTo({ cursor, realtimeUs }: LogPosition): LogPosition {
    const id = sequenceNumberOf(cursor)?.id;
    if (id !== undefined) {
      this.#cursors.delete(id);
      this.#cursors.set(id, shortOf(cursor));
      const [oldest] = this.#cursors.keys();
      if (oldest !== undefined && this.#cursors.size > MAX_NUMBERINGS) this.#cursors.delete(oldest);
    }
    this.#last = { cursor, realtimeUs };
    const others = [...this.#cursors].filter(([other]) => other !== id).map(([, known]) => known);
    return { cursor: [...others, cursor].join(SEPARATOR), realtimeUs };
  }
}

// Of a numbering that is not the last one, only the number is needed.
function shortOf(cursor: string): string {
  return `${cursor.split(';', 2).join(';')};`;
}

// `b=` and 32 hex digits, `;m=` and microseconds in hex.
function bootOf(cursor: string): { readonly id: string; readonly us: number } | undefined {
  const [, id, us] = /;b=([0-9a-f]{32});m=([0-9a-f]{1,13});/.exec(cursor) ?? [];
  return id === undefined || us === undefined ? undefined : { id, us: Number.parseInt(us, 16) };
}

/** What of a position of an upload is one of the journal that was uploaded. */
export function journalPositionOf({ cursor, realtimeUs }: LogPosition): LogPosition {
  return { cursor: cursor.split(SEPARATOR).at(-1) ?? '', realtimeUs };
}
