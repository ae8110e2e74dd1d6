// How long the other side may say nothing.
import { AgentError } from '../errors.ts';

/** Aborts with `registry_timeout` when it is not stopped, or started anew, in time. */
export class IdleTimer {
  readonly #controller = new AbortController();
  readonly #what: string;
  #timer: NodeJS.Timeout | undefined;

  constructor(what: string) {
    this.#what = what;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  start(ms: number): void {
    this.stop();
    this.#timer = setTimeout(() => {
      const fault = `expected to hear more within ${ms} ms, found silence`;
      this.end(new AgentError('registry_timeout', `${this.#what}: ${fault}`));
    }, ms);
  }

  /** Aborts now. */
  end(reason: AgentError): void {
    this.stop();
    this.#controller.abort(reason);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
