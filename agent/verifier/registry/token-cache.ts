// Tokens by what they are good for: fetched once for all who wait, and renewed before they expire.
import { isFresh, type Token } from './token.ts';

interface Entry {
  readonly pending: Promise<Token>;
  token: Token | undefined;
}

/** Holds at most `maxTokens`; the one that was fetched longest ago goes first. */
export class TokenCache {
  readonly #maxTokens: number;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, Entry>();

  constructor(maxTokens: number, nowMs: () => number) {
    this.#maxTokens = maxTokens;
    this.#nowMs = nowMs;
  }

  /** The token for a key, or what `fetch` of the first to ask for it gives. A failure is not kept. */
  get(key: string, fetch: () => Promise<Token>): Promise<Token> {
    const entry = this.#entries.get(key);
    const isUsable = entry?.token === undefined || isFresh(entry.token, this.#nowMs());
    return entry !== undefined && isUsable ? entry.pending : this.#fetch(key, fetch);
  }

  /** Forgets a token that the registry did not accept, unless another has taken its place. */
  forget(key: string, value: string): void {
    if (this.#entries.get(key)?.token?.value === value) this.#entries.delete(key);
  }

  #fetch(key: string, fetch: () => Promise<Token>): Promise<Token> {
    const entry: Entry = { pending: fetch(), token: undefined };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#dropOldest();
    entry.pending.then(
      (token) => (entry.token = token),
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    return entry.pending;
  }

  #dropOldest(): void {
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size > this.#maxTokens) this.#entries.delete(oldest);
  }
}
