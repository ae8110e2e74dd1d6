// What was asked for, for a while: asked once by all who wait, failures among it. Pure.

interface Entry<T> {
  readonly value: Promise<T>;
  readonly askedAtMs: number;
}

/** Holds at most `maxEntries`; the one that was asked for longest ago goes first. */
export class TimedMemory<T> {
  readonly #nowMs: () => number;
  readonly #maxEntries: number;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(nowMs: () => number, maxEntries: number) {
    this.#nowMs = nowMs;
    this.#maxEntries = maxEntries;
  }

  /** What is known and no older than `maxAgeMs`, or what is asked for now. */
  get(key: string, maxAgeMs: number, ask: () => Promise<T>): Promise<T> {
    const nowMs = this.#nowMs();
    const known = this.#entries.get(key);
    if (known !== undefined && nowMs - known.askedAtMs < maxAgeMs) return known.value;
    const value = ask();
    // It may fail when nobody waits for it any more.
    value.catch(() => undefined);
    this.#entries.delete(key);
    this.#entries.set(key, { value, askedAtMs: nowMs });
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size > this.#maxEntries) this.#entries.delete(oldest);
    return value;
  }
}
