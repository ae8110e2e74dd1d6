// What ends the sleep of whoever looks again and again: there is something new to look at.

/** Whoever sleeps by it. */
interface Sleeper {
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * Rung while nobody sleeps, it ends the next sleep at once. It has to be silenced before each look,
 * not after: what comes up during a look must be looked at once more.
 */
export class Bell {
  #rung = new AbortController();

  ring(): void {
    this.#rung.abort();
  }

  /** Only what rings from now on ends a sleep. */
  silence(): void {
    this.#rung = new AbortController();
  }

  get isRung(): boolean {
    return this.#rung.signal.aborted;
  }

  /** Sleeps by a clock for `ms`, until it rings, or until the signal aborts. */
  sleep(clock: Sleeper, ms: number, signal: AbortSignal): Promise<void> {
    return clock.sleep(ms, AbortSignal.any([signal, this.#rung.signal]));
  }
}
