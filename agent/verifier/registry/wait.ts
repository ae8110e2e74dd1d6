// The time that one request has, the caller's and its own, and which of the two ran out.
import { AgentError } from '../../errors.ts';
import { interrupted, transportFailure } from './failure.ts';

/**
 * Ends a request when its caller gives up, or after `ms`. A signal derived from the caller's would stay
 * until the time is over, long after the answer: thousands of them, while a node's images are verified.
 */
export class Wait {
  readonly #caller: AbortSignal;
  readonly #ms: number;
  readonly #what: string;
  readonly #timer: NodeJS.Timeout;
  #isOver = false;
  #hasFired = false;
  #onFire: (() => void) | undefined;
  /** Made when it is asked for: a signal costs more than all else here. */
  #controller: AbortController | undefined;
  readonly #giveUp = (): void => {
    this.#hasFired = true;
    this.#controller?.abort(this.#caller.reason);
    this.#onFire?.();
  };

  constructor(caller: AbortSignal, ms: number, what: string) {
    this.#caller = caller;
    this.#ms = ms;
    this.#what = what;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#giveUp();
    }, ms).unref();
    if (caller.aborted) this.#giveUp();
    else caller.addEventListener('abort', this.#giveUp, { once: true });
  }

  /** Fires when the time is over, with the reason of the caller if it was that. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#hasFired) this.#controller.abort(this.#caller.reason);
    }
    return this.#controller.signal;
  }

  /** Has one function called when the time is over, at once if it is. */
  onFire(call: () => void): void {
    this.#onFire = call;
    if (this.#hasFired) call();
  }

  /** The answer is whole, or nobody wants it: nothing fires any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#caller.removeEventListener('abort', this.#giveUp);
    this.#onFire = undefined;
  }

  /** The error for what was thrown while waiting: time that ran out explains all that follows. */
  failure(error: unknown): AgentError {
    this.end();
    if (error instanceof AgentError) return error;
    if (this.#caller.aborted) return interrupted(this.#caller, this.#what);
    if (!this.#isOver) return transportFailure(error, this.#what);
    const fault = `expected a whole answer within ${this.#ms} ms, found less`;
    return new AgentError('registry_timeout', `${this.#what}: ${fault}`, { cause: error });
  }
}
