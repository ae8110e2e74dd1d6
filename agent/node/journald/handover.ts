// Hands things from who brings them to who asks for them, one at a time, and tells when one was dealt with.

interface Offer<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Nothing is held but what its givers wait for. */
export class Handover<T> {
  readonly #offers: Offer<T>[] = [];
  #wake: (() => void) | undefined;
  #end: Error | undefined;

  /**
   * Resolves once the taker has asked for the next item, so has dealt with this one. Rejects when the
   * taker is gone: then nobody can tell what has become of it.
   */
  async give(item: T): Promise<void> {
    if (this.#end !== undefined) throw this.#end;
    await new Promise<void>((resolve, reject) => {
      this.#offers.push({ item, resolve, reject });
      this.#wake?.();
    });
  }

  /** The items, until the signal aborts. To be called once. */
  async *take(signal: AbortSignal): AsyncGenerator<T, void> {
    let current: Offer<T> | undefined;
    try {
      while (!signal.aborted) {
        current = this.#offers.shift();
        if (current === undefined) {
          await this.#wait(signal);
          continue;
        }
        yield current.item;
        current.resolve();
      }
    } finally {
      this.#close(current);
    }
  }

  #close(current: Offer<T> | undefined): void {
    const end = new Error('nobody takes any more');
    this.#end = end;
    // One that was dealt with is resolved, and does not heed this.
    for (const offer of [current, ...this.#offers]) offer?.reject(end);
  }

  async #wait(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = end;
      signal.addEventListener('abort', end, { once: true });
    });
  }
}
