// A response of Bun's fetch, whose body is still to come.
import { gatherBody, MAX_DISCARDED_BYTES } from '../verifier/registry/body.ts';
import type { HttpResponse } from '../verifier/registry/http.ts';
import type { Wait } from '../verifier/registry/wait.ts';
import type { IdleTimer } from './idle-timer.ts';

/** The time that the rest of a response has. */
export interface ResponseTime {
  readonly wait: Wait;
  /** Its signal ends the response. */
  readonly idle: IdleTimer;
  /** Between two pieces of the body. */
  readonly idleMs: number;
}

/** Manifests, indexes and envelopes are a few KiB. */
const MAX_AT_ONCE_BYTES = 64 * 1024;

/** Ends its body, and the connection with it, when it is not read to the end. */
export class FetchedResponse implements HttpResponse {
  readonly status: number;
  readonly #response: Response;
  readonly #what: string;
  readonly #time: ResponseTime;

  constructor(response: Response, what: string, time: ResponseTime) {
    this.status = response.status;
    this.#response = response;
    this.#what = what;
    this.#time = time;
  }

  header(name: string): string | undefined {
    return this.#response.headers.get(name) ?? undefined;
  }

  async read(maxBytes: number): Promise<Uint8Array> {
    const encoding = this.header('content-encoding');
    const what = this.#what;
    try {
      const pieces = this.#isShort(maxBytes) ? this.#whole() : this.#pieces();
      return await gatherBody(pieces, { encoding, maxBytes, what });
    } catch (error) {
      throw this.#time.wait.failure(error);
    } finally {
      this.#time.wait.end();
    }
  }

  /** Bun reads no more than the length that was stated, so that bounds a body read at once. */
  #isShort(maxBytes: number): boolean {
    const length = this.header('content-length') ?? '';
    return /^\d{1,6}$/.test(length) && Number(length) <= Math.min(maxBytes, MAX_AT_ONCE_BYTES);
  }

  /** Takes a fraction of the time that a reader takes; what comes slowly still has to come in time. */
  async *#whole(): AsyncGenerator<Uint8Array, void, undefined> {
    const { idle, idleMs } = this.#time;
    idle.start(idleMs);
    try {
      yield new Uint8Array(await this.#response.arrayBuffer());
    } finally {
      idle.stop();
    }
  }

  async discard(): Promise<void> {
    try {
      let size = 0;
      for await (const piece of this.#pieces()) {
        size += piece.length;
        if (size > MAX_DISCARDED_BYTES) break;
      }
    } catch {
      // The body was not wanted: however it ended, it is gone.
    }
    this.#time.wait.end();
  }

  async *#pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    const body = this.#response.body as ReadableStream<Uint8Array> | null;
    const reader = body?.getReader();
    if (reader === undefined) return;
    const { idle, idleMs } = this.#time;
    try {
      for (;;) {
        idle.start(idleMs);
        const { done, value } = await reader.read();
        if (done) return;
        yield value;
      }
    } finally {
      idle.stop();
      // Without effect on a body that was read to its end.
      await reader.cancel().catch(() => undefined);
    }
  }
}
