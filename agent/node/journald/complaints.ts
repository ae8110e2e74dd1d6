// What a journalctl writes to stderr, line by line and bounded.
import type { Readable } from 'node:stream';
import { printable } from '../../oci/show.ts';

/** journalctl says what is wrong in a line; the rest of a flood is drained and dropped. */
const MAX_BYTES = 2048;

/** Collects the lines of a stream and drains it to its end. */
export class Complaints {
  #text = '';
  #bytes = 0;

  constructor(stream: Readable) {
    stream.on('data', (chunk: Buffer) => {
      const kept = chunk.subarray(0, MAX_BYTES - this.#bytes);
      this.#bytes += kept.length;
      this.#text += kept.toString('utf8');
    });
  }

  /** The lines since it was last asked; at most 2,048 bytes of all. */
  take(): readonly string[] {
    const lines = this.#text.split('\n').filter((line) => line.trim() !== '');
    this.#text = '';
    return lines.map((line) => printable(line.trim()));
  }
}
