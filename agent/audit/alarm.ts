// One timer that is set again and again, and leaves nothing behind of those before.
import type { Clock } from './clock.ts';

export class Alarm {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #before = new AbortController();

  /** When the signal aborts, it rings at once. */
  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#before.abort(), { once: true });
  }

  /** Resolves after `ms`; what was set before is given up, and resolves at once. */
  set(ms: number): Promise<void> {
    this.#before.abort();
    this.#before = new AbortController();
    if (this.#signal.aborted) this.#before.abort();
    return this.#clock.sleep(ms, this.#before.signal);
  }
}
