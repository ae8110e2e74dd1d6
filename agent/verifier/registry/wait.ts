// The time that one request has, the caller's and its own, and which of the two ran out.
import { AgentError } from '../../errors.ts';
import { interrupted, transportFailure } from './failure.ts';

/**
 * Ends a request when its caller gives up, or after `ms`. A signal derived from the caller's would stay
 * until the time is over, long after the answer: thousands of them, while a node's images are verified.
 */
export class Wait {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal;
  readonly #ms: number;
  readonly #what: string;
  readonly #timer: NodeJS.Timeout;
  #isOver = false;
  readonly #giveUp = (): void => {
    this.#controller.abort(this.#caller.reason);
  };

  constructor(caller: AbortSignal, ms: number, what: string) {
    this.#caller = caller;
    this.#ms = ms;
    this.#what = what;
    this.#timer = setTimeout(() => {
      this.#isOver = true;
      this.#controller.abort();
    }, ms).unref();
    if (caller.aborted) this.#giveUp();
    else caller.addEventListener('abort', this.#giveUp, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The answer is whole, or nobody wants it: the signal fires no more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#caller.removeEventListener('abort', this.#giveUp);
  }

  /** The error for what was thrown while waiting: a signal that fired explains all that follows. */
  failure(error: unknown): AgentError {
    this.end();
    if (error instanceof AgentError) return error;
    if (this.#caller.aborted) return interrupted(this.#caller, this.#what);
    if (!this.#isOver) return transportFailure(error, this.#what);
    const fault = `expected a whole answer within ${this.#ms} ms, found less`;
    return new AgentError('registry_timeout', `${this.#what}: ${fault}`, { cause: error });
  }
}
