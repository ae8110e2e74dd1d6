// The content of one log file, plain or compressed: its head, by which it is known, and its bytes from a place on.
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import {
  FINGERPRINT_BYTES,
  type FileIdentity,
  fingerprintOf,
  type LogFilePosition,
} from './log-file-position.ts';
import { LineSplitter, lineTimeUs } from './log-file-lines.ts';
import { type TrustedFile, unavailable } from './log-file-trust.ts';

/** Memory per read, and about what one batch for the ledger is made from. */
const CHUNK_BYTES = 256 * 1024;
/** Within so much of a file there is a line with a time, unless nothing in it is containerd's. */
const DATED_BYTES = 64 * 1024;

/** An open log file that is known by its content. */
export class LogFileContent {
  readonly #file: TrustedFile;
  readonly identity: FileIdentity;
  readonly isCompressed: boolean;
  readonly modifiedMs: number;
  /** Its first bytes, `DATED_BYTES` at most, as they were when it was opened. */
  readonly head: Buffer;
  /** The time of its first line that has one. */
  readonly firstUs: number | undefined;

  private constructor(file: TrustedFile, head: Buffer) {
    const { dev, ino, mtimeMs } = file.stats;
    this.#file = file;
    this.identity = { device: dev, inode: ino };
    this.isCompressed = isCompressed(file.path);
    this.modifiedMs = mtimeMs;
    this.head = head;
    this.firstUs = new LineSplitter(0)
      .feed(head)
      .map(({ text }) => lineTimeUs(text))
      .find((us) => us !== undefined);
  }

  /** Takes the file over: it is closed if its head cannot be read. Throws `log_file_unavailable`. */
  static async read(file: TrustedFile): Promise<LogFileContent> {
    try {
      const parts: Buffer[] = [];
      let length = 0;
      for await (const chunk of contentOf(file, 0)) {
        parts.push(chunk);
        length += chunk.length;
        if (length >= DATED_BYTES) break;
      }
      return new LogFileContent(file, Buffer.concat(parts).subarray(0, DATED_BYTES));
    } catch (error) {
      await file.handle.close();
      throw error;
    }
  }

  get path(): string {
    return this.#file.path;
  }

  /** Tells whether it is the file of the position, or a copy of it, and reaches as far. */
  has({ fingerprint, offset }: LogFilePosition): boolean {
    const length = this.isCompressed ? this.head.length : this.#file.stats.size;
    const isLongEnough =
      length >= (this.isCompressed ? Math.min(offset, FINGERPRINT_BYTES) : offset);
    return isLongEnough && fingerprintOf(this.head, offset) === fingerprint;
  }

  /** Its bytes from `offset` of the content to where it ends now. Throws `log_file_unavailable`. */
  from(offset: number): AsyncGenerator<Buffer, void> {
    return contentOf(this.#file, offset);
  }

  /** What the file is now. */
  async look(): Promise<TrustedFile['stats']> {
    return this.#file.handle.stat();
  }

  /** The first bytes as they are now. */
  async headNow(): Promise<Buffer> {
    const bytes = Buffer.alloc(FINGERPRINT_BYTES);
    const { bytesRead } = await this.#file.handle.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  }

  close(): Promise<void> {
    return this.#file.handle.close();
  }
}

function isCompressed(path: string): boolean {
  return path.endsWith('.gz');
}

async function* contentOf(file: TrustedFile, offset: number): AsyncGenerator<Buffer, void> {
  try {
    yield* isCompressed(file.path) ? unpacked(file, offset) : plain(file, offset);
  } catch (error) {
    throw unavailable(file.path, error);
  }
}

async function* plain({ handle }: TrustedFile, offset: number): AsyncGenerator<Buffer, void> {
  for (let at = offset; ;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), {
      position: at,
    });
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

// Streamed: a small file may unpack to any size.
async function* unpacked(file: TrustedFile, offset: number): AsyncGenerator<Buffer, void> {
  const packed = Readable.from(plain(file, 0));
  const content = packed.pipe(createGunzip({ chunkSize: DATED_BYTES }));
  packed.on('error', (error) => content.destroy(error));
  try {
    let at = 0;
    for await (const chunk of content as AsyncIterable<Buffer>) {
      const skip = Math.max(0, offset - at);
      at += chunk.length;
      if (skip < chunk.length) yield chunk.subarray(skip);
    }
  } finally {
    packed.destroy();
    content.destroy();
  }
}
