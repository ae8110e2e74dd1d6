// What came out of the journal, of whatever writer: where it stands, what is missing before it, and
// the entry if it is one of ours.
import { sequenceNumberOf } from './cursor.ts';
import { positionOf } from './entry.ts';
import type { ExportEntry } from './export-format.ts';
import type { LogPosition } from './source.ts';
import { suppressedEntries } from './suppressed.ts';

/** One entry of the journal. The others are kept too: that they are all there shows that none of ours is missing. */
export interface Arrival {
  readonly position: LogPosition;
  /** How many entries of any writer journald numbered between the one before and this one. */
  readonly missing: number;
  /** Undefined when another unit wrote it. */
  readonly entry: ExportEntry | undefined;
  /** How many entries of our unit journald tells here to have refused. */
  readonly suppressed: number;
}

/** A journal has one numbering, and another after a reset of its clock or its files; a hostile stream has no end of them. */
const MAX_NUMBERINGS = 64;

/** Reads the entries of one stream as arrivals. */
export class Arrivals {
  readonly #unit: Buffer;
  #newest = new Map<string, number>();
  #lastId: string | undefined;

  constructor(unit: string) {
    this.#unit = Buffer.from(unit);
  }

  /** Reads the next entry. Throws `journal_entry_invalid` when it has no usable position. */
  read(exported: ExportEntry): Arrival {
    const position = positionOf(exported);
    const isOurs = exported.fields.is('_SYSTEMD_UNIT', this.#unit);
    return {
      position,
      missing: this.#missing(position.cursor),
      entry: isOurs ? exported : undefined,
      // journald tells it in entries of its own unit.
      suppressed: isOurs ? 0 : suppressedEntries(exported, this.#unit),
    };
  }

  #missing(cursor: string): number {
    const sequence = sequenceNumberOf(cursor, this.#lastId);
    if (sequence === undefined) return 0;
    const { id, number } = sequence;
    this.#lastId = id;
    const newest = this.#newest.get(id);
    // Journals of users are counted along, and may lag behind after a restart of journald.
    if (newest !== undefined && number <= newest) return 0;
    // Of a map that is cleared the old table keeps all that comes later, until a full collection.
    if (newest === undefined && this.#newest.size === MAX_NUMBERINGS) this.#newest = new Map();
    this.#newest.set(id, number);
    return newest === undefined ? 0 : number - newest - 1;
  }
}
