// The entries yielded last, so that one that comes again is known.
import { isSameEntry } from './cursor.ts';
import type { LogPosition } from './source.ts';

/** journalctl repeats what stood around a rotation, never more than a few. */
const MAX_RECENT = 512;

/** Tells entries that came before from new ones, as far as the last 512 go. */
export class RecentEntries {
  readonly #ring: LogPosition[] = [];
  #next = 0;
  #newestUs = -1;

  /** Whether the entry is a new one. It is not any more when asked again. */
  isNew(entry: LogPosition): boolean {
    const { cursor, realtimeUs } = entry;
    // The usual case costs one comparison; a clock that was set back makes the other one usual for a while.
    if (realtimeUs <= this.#newestUs && this.#has(cursor, realtimeUs)) return false;
    this.#newestUs = Math.max(this.#newestUs, realtimeUs);
    this.#ring[this.#next] = entry;
    this.#next = (this.#next + 1) % MAX_RECENT;
    return true;
  }

  #has(cursor: string, realtimeUs: number): boolean {
    return this.#ring.some(
      (known) => known.realtimeUs === realtimeUs && isSameEntry(known.cursor, cursor),
    );
  }
}
