// A response as undici hands it on piece by piece: without its streams, which take longer than all else of a small answer.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { assertTerms, type BodyTerms, MAX_DISCARDED_BYTES } from './body.ts';
import type { HttpResponse } from './http.ts';
import type { Wait } from './wait.ts';

type Controller = Dispatcher.DispatchController;
type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** What comes before anybody reads is kept up to this, and then the connection has to wait. */
const MAX_UNREAD_BYTES = 64 * 1024;

/**
 * undici hands a connection back one turn of the event loop after the body has ended. A request
 * made before that opens another connection, and with TLS that costs more than the request: both
 * ways to be done with a body end with that turn.
 */
export class BoundedResponse implements HttpResponse, Dispatcher.DispatchHandler {
  status = 0;
  readonly #what: string;
  readonly #wait: Wait;
  readonly #started = Promise.withResolvers<undefined>();
  readonly #ended = Promise.withResolvers<undefined>();
  #headers: Headers = {};
  #pieces: Uint8Array[] = [];
  #size = 0;
  /** Once somebody reads. */
  #terms: BodyTerms | undefined;
  #isUnwanted = false;
  #controller: Controller | undefined;
  /** Why it is broken off. */
  #fault: Error | undefined;

  /** To be dispatched to undici as its handler. */
  constructor(what: string, wait: Wait) {
    this.#what = what;
    this.#wait = wait;
    // They may fail before anybody waits, or with nobody who does.
    this.#started.promise.catch(() => undefined);
    this.#ended.promise.catch(() => undefined);
    wait.onFire(() => {
      this.#breakOff(new Error('no time is left'));
    });
  }

  /** Status and headers are there. Rejects with what undici failed with, or when the time is over. */
  get started(): Promise<unknown> {
    return this.#started.promise;
  }

  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  async read(maxBytes: number): Promise<Uint8Array> {
    this.#terms = { encoding: this.header('content-encoding'), maxBytes, what: this.#what };
    this.#controller?.resume();
    try {
      this.#assertTerms();
      await this.#ended.promise;
      return Buffer.concat(this.#pieces, this.#size);
    } catch (error) {
      throw this.#wait.failure(error);
    } finally {
      this.#pieces = [];
      this.#wait.end();
      await nextTurn();
    }
  }

  async discard(): Promise<void> {
    this.#isUnwanted = true;
    this.#controller?.resume();
    try {
      this.#assertTerms();
      await this.#ended.promise;
    } catch {
      // The body was not wanted: however it ended, it is gone.
    }
    this.#wait.end();
    await nextTurn();
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#fault !== undefined) controller.abort(this.#fault);
  }

  onResponseStart(_controller: Controller, status: number, headers: Headers): void {
    // What is only said on the way is no answer.
    if (status < 200) return;
    this.status = status;
    this.#headers = headers;
    this.#started.resolve(undefined);
  }

  onResponseData(controller: Controller, piece: Uint8Array): void {
    this.#size += piece.length;
    if (!this.#isUnwanted) this.#pieces.push(piece);
    try {
      this.#assertTerms();
    } catch {
      return;
    }
    const isWaiting = this.#terms === undefined && !this.#isUnwanted;
    if (isWaiting && this.#size > MAX_UNREAD_BYTES) controller.pause();
  }

  onResponseEnd(): void {
    this.#ended.resolve(undefined);
  }

  onResponseError(_controller: Controller | null, error: Error): void {
    this.#started.reject(error);
    this.#ended.reject(error);
  }

  /** What does not keep to the terms breaks the response off, and the connection with it. */
  #assertTerms(): void {
    try {
      if (this.#terms !== undefined && this.#size > 0) assertTerms(this.#size, this.#terms);
      if (this.#isUnwanted && this.#size > MAX_DISCARDED_BYTES) throw new Error('not wanted');
    } catch (error) {
      this.#breakOff(error as Error);
      throw error;
    }
  }

  #breakOff(fault: Error): void {
    this.#fault ??= fault;
    this.#controller?.abort(fault);
    // It may not have come to a connection yet.
    this.onResponseError(null, fault);
  }
}
