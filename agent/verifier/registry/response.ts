// A response body taken from the network piece by piece, under a bound.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { HttpResponse } from './http.ts';
import type { Wait } from './wait.ts';

/** Reading this much costs less than a new connection. */
const MAX_DISCARDED_BYTES = 16 * 1024;

/**
 * undici hands a connection back one turn of the event loop after the body has ended. A request
 * made before that opens another connection, and with TLS that costs more than the request: both
 * ways to be done with a body end with that turn.
 */
export class BoundedResponse implements HttpResponse {
  readonly status: number;
  readonly #response: Dispatcher.ResponseData;
  readonly #what: string;
  readonly #wait: Wait;

  constructor(response: Dispatcher.ResponseData, what: string, wait: Wait) {
    this.status = response.statusCode;
    this.#response = response;
    this.#what = what;
    this.#wait = wait;
  }

  header(name: string): string | undefined {
    const value = this.#response.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  async read(maxBytes: number): Promise<Uint8Array> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      // Leaving the loop by an error destroys the body and, with it, the connection.
      for await (const chunk of this.#response.body as AsyncIterable<Buffer>) {
        size += chunk.length;
        this.#assertReadable(size, maxBytes);
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.#wait.failure(error);
    }
    await nextTurn();
    return Buffer.concat(chunks, size);
  }

  async discard(): Promise<void> {
    try {
      await this.#response.body.dump({ limit: MAX_DISCARDED_BYTES, signal: this.#wait.signal });
    } catch {
      // The body was not wanted: however it ended, it is gone.
    }
    await nextTurn();
  }

  #assertReadable(size: number, maxBytes: number): void {
    const encoding = this.header('content-encoding') ?? 'identity';
    if (encoding.toLowerCase() !== 'identity') {
      const fault = `expected no content encoding, found ${show(encoding)}`;
      throw new AgentError('content_mismatch', `${this.#what}: ${fault}`);
    }
    if (size > maxBytes) {
      const fault = `expected at most ${maxBytes} bytes, found more`;
      throw new AgentError('content_too_large', `${this.#what}: ${fault}`);
    }
  }
}
