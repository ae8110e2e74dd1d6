// The time that one request has, the caller's and its own, and which of the two ran out.
import { AgentError } from '../../errors.ts';
import { interrupted, transportFailure } from './failure.ts';

/** Ends a request when its caller gives up, or after `ms`. */
export class Wait {
  readonly signal: AbortSignal;
  readonly #caller: AbortSignal;
  readonly #own: AbortSignal;
  readonly #ms: number;
  readonly #what: string;

  constructor(caller: AbortSignal, ms: number, what: string) {
    this.#caller = caller;
    this.#own = AbortSignal.timeout(ms);
    this.#ms = ms;
    this.#what = what;
    this.signal = AbortSignal.any([caller, this.#own]);
  }

  /** The error for what was thrown while waiting: a signal that fired explains all that follows. */
  failure(error: unknown): AgentError {
    if (error instanceof AgentError) return error;
    if (this.#caller.aborted) return interrupted(this.#caller, this.#what);
    if (!this.#own.aborted) return transportFailure(error, this.#what);
    const fault = `expected a whole answer within ${this.#ms} ms, found less`;
    return new AgentError('registry_timeout', `${this.#what}: ${fault}`, { cause: error });
  }
}
