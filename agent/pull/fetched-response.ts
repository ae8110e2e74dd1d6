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
      return await gatherBody(this.#pieces(), { encoding, maxBytes, what });
    } catch (error) {
      throw this.#time.wait.failure(error);
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
