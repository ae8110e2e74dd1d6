// The files of an OCI image layout, which somebody carried in: read under a bound, and none from elsewhere.
import { join } from 'node:path';
import { AgentError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { digestAlgorithm } from '../../oci/digest.ts';
import { show } from '../../oci/show.ts';
import { assertDigest } from '../registry/content.ts';

/** A file of the layout, and what tells that it is another by now. */
export interface LayoutFile {
  readonly bytes: Uint8Array;
  readonly version: string;
}

/** Reads below one directory, and through no link that leads out of it. */
export class LayoutFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** What the directory is called in messages. */
  get name(): string {
    return `bundle ${show(this.#directory)}`;
  }

  /**
   * A file by its path in the layout; null when it has the version `known`. Throws `bundle_invalid`
   * and `content_too_large`.
   */
  async read(path: string, maxBytes: number, known?: string): Promise<LayoutFile | null> {
    // Not on the way of a pull on a node without a bundle.
    const { constants, open, realpath } = await import('node:fs/promises');
    // A link is not followed, and a pipe in the place of a file is not waited for.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    try {
      const inside = join(await realpath(this.#directory), path);
      if ((await realpath(inside)) !== inside)
        throw this.#invalid(path, 'no link on the way to it');
      await using file = await open(inside, flags);
      const stats = await file.stat();
      if (!stats.isFile()) throw this.#invalid(path, 'a regular file');
      const version = `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
      if (version === known) return null;
      // One more than the bound tells a file that grows from one that fits.
      const room = Buffer.alloc(Math.min(stats.size, maxBytes) + 1);
      let length = 0;
      for (let more = -1; more !== 0 && length < room.length; length += more) {
        ({ bytesRead: more } = await file.read(room, length, room.length - length));
      }
      if (length > maxBytes) throw this.#tooLarge(path, maxBytes);
      return { bytes: room.subarray(0, length), version };
    } catch (cause) {
      if (cause instanceof AgentError) throw cause;
      throw this.#invalid(path, 'a readable file', cause);
    }
  }

  /** The bytes that a descriptor names. Throws `bundle_invalid`, `content_too_large` and `content_mismatch`. */
  async readBlob({ digest, size }: Descriptor, maxBytes: number): Promise<Uint8Array> {
    const what = `${this.name}: ${digest}`;
    if (size > maxBytes) throw this.#tooLarge(digest, maxBytes);
    // A digest holds no separator, and nothing but hexadecimal digits behind its algorithm.
    const algorithm = digestAlgorithm(digest);
    const path = `blobs/${algorithm}/${digest.slice(algorithm.length + 1)}`;
    const bytes = (await this.read(path, maxBytes))?.bytes ?? new Uint8Array();
    assertDigest(bytes, digest, what);
    if (bytes.length === size) return bytes;
    const fault = `expected ${size} bytes, found ${bytes.length}`;
    throw new AgentError('content_mismatch', `${what}: ${fault}`);
  }

  #invalid(path: string, expected: string, cause?: unknown): AgentError {
    const found = cause instanceof Error ? `: ${cause.message}` : '';
    const message = `${this.name}: ${path}: expected ${expected}${found}`;
    return new AgentError('bundle_invalid', message, { cause });
  }

  #tooLarge(path: string, maxBytes: number): AgentError {
    const fault = `expected at most ${maxBytes} bytes, found more`;
    return new AgentError('content_too_large', `${this.name}: ${path}: ${fault}`);
  }
}
