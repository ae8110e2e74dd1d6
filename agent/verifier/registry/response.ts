// A response of undici's, whose body is still to come.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { gatherBody, MAX_DISCARDED_BYTES } from './body.ts';
import type { HttpResponse } from './http.ts';
import type { Wait } from './wait.ts';

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
    const encoding = this.header('content-encoding');
    const what = this.#what;
    try {
      // An error destroys the body and, with it, the connection.
      return await gatherBody(this.#response.body, { encoding, maxBytes, what });
    } catch (error) {
      throw this.#wait.failure(error);
    } finally {
      this.#wait.end();
      await nextTurn();
    }
  }

  async discard(): Promise<void> {
    try {
      await this.#response.body.dump({ limit: MAX_DISCARDED_BYTES, signal: this.#wait.signal });
    } catch {
      // The body was not wanted: however it ended, it is gone.
    }
    this.#wait.end();
    await nextTurn();
  }
}
