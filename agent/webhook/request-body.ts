// The body of a request to the webhook, within bounds of its own and of all that are read at once.
import type { IncomingMessage } from 'node:http';

/**
 * An object is at most 1.5 MiB in etcd and 3 MiB as JSON on its way there, and an update is reviewed with
 * both the old one and the new one.
 */
const MAX_BODY_BYTES = 7 * 1024 * 1024;
/** Of all bodies that are read or reviewed; most are some tens of KiB. Whoever comes then is to come again. */
const MAX_TOTAL_BYTES = 32 * 1024 * 1024;

/** A body, or with which status of HTTP it is refused. */
export type Body =
  | { readonly bytes: Uint8Array; readonly status?: undefined }
  | { readonly status: 400 | 413 | 503; readonly fault: string };

/** Owns the count of what is in memory. */
export class RequestBodies {
  readonly #maxBytes: number;
  readonly #maxTotalBytes: number;
  #total = 0;

  constructor(maxBytes = MAX_BODY_BYTES, maxTotalBytes = MAX_TOTAL_BYTES) {
    this.#maxBytes = maxBytes;
    this.#maxTotalBytes = maxTotalBytes;
  }

  /** Of all bodies whose use has not ended. */
  get totalBytes(): number {
    return this.#total;
  }

  /** Reads the body and uses it; it counts until then. What is refused is not read to its end. */
  async with<T>(request: IncomingMessage, use: (body: Body) => Promise<T>): Promise<T> {
    const counted = { bytes: 0 };
    try {
      return await use(await this.#read(request, counted));
    } finally {
      this.#total -= counted.bytes;
    }
  }

  async #read(request: IncomingMessage, counted: { bytes: number }): Promise<Body> {
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > this.#maxBytes) return this.#tooLarge();
    const pieces: Buffer[] = [];
    try {
      // What is left unread must not end the connection before the answer is on it.
      const stream = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
      for await (const piece of stream) {
        counted.bytes += piece.length;
        this.#total += piece.length;
        if (counted.bytes > this.#maxBytes) return this.#tooLarge();
        if (this.#total > this.#maxTotalBytes) {
          return { status: 503, fault: 'too many large reviews at once' };
        }
        pieces.push(piece);
      }
    } catch {
      // Whoever sent it has gone, or was too slow: there is nobody to be told more.
      return { status: 400, fault: 'the body ended early' };
    }
    return { bytes: Buffer.concat(pieces, counted.bytes) };
  }

  #tooLarge(): Body {
    return { status: 413, fault: `expected a body of at most ${this.#maxBytes} bytes` };
  }
}
