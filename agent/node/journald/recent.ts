// The entries yielded last, so that one that comes again is known.
import { isSameEntry } from './cursor.ts';
import type { LogPosition } from './source.ts';

/** journalctl repeats what stood around a rotation, never more than a few. */
const MAX_RECENT = 512;
/** systemd's have at most 145 characters; a longer one is kept as it is. */
const CURSOR_BYTES = 160;

/**
 * Tells entries that came before from new ones, as far as the last 512 go. They are kept as bytes in one
 * place: as objects, each would live just long enough to be moved twice by the garbage collector.
 */
export class RecentEntries {
  readonly #timesUs = new Float64Array(MAX_RECENT).fill(-1);
  readonly #lengths = new Uint16Array(MAX_RECENT);
  readonly #cursors = Buffer.alloc(MAX_RECENT * CURSOR_BYTES);
  readonly #long = new Map<number, string>();
  #next = 0;
  #newestUs = -1;

  /** Whether the entry is a new one. It is not any more when asked again. */
  isNew({ cursor, realtimeUs }: LogPosition): boolean {
    // The usual case costs one comparison; a clock that was set back makes the other one usual for a while.
    if (realtimeUs <= this.#newestUs && this.#has(cursor, realtimeUs)) return false;
    this.#newestUs = Math.max(this.#newestUs, realtimeUs);
    this.#keep(this.#next, cursor);
    this.#timesUs[this.#next] = realtimeUs;
    this.#next = (this.#next + 1) % MAX_RECENT;
    return true;
  }

  #keep(place: number, cursor: string): void {
    const isLong = cursor.length > CURSOR_BYTES;
    if (isLong) this.#long.set(place, cursor);
    else if (this.#long.size > 0) this.#long.delete(place);
    this.#lengths[place] = isLong ? 0 : cursor.length;
    if (!isLong) this.#cursors.write(cursor, place * CURSOR_BYTES, 'latin1');
  }

  #has(cursor: string, realtimeUs: number): boolean {
    let place = this.#timesUs.indexOf(realtimeUs);
    while (place >= 0 && !isSameEntry(this.#cursorAt(place), cursor)) {
      place = this.#timesUs.indexOf(realtimeUs, place + 1);
    }
    return place >= 0;
  }

  #cursorAt(place: number): string {
    const start = place * CURSOR_BYTES;
    const end = start + (this.#lengths[place] ?? 0);
    return this.#long.get(place) ?? this.#cursors.toString('latin1', start, end);
  }
}
