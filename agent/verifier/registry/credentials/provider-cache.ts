// What credential provider plugins answered, for as long as they let it be kept. Pure.
import type { Keyring } from './keyring.ts';
import type { CacheKeyType } from './provider-response.ts';
import type { RepositoryName } from './secret-source.ts';

interface Entry {
  readonly keyring: Keyring;
  readonly expiresAtMs: number;
}

/** Images of a node; the oldest is forgotten, and asked for again. */
const MAX_ENTRIES = 1_000;

/** By plugin, and by image, registry or nothing. */
export class ProviderCache {
  readonly #entries = new Map<string, Entry>();

  /** The answer for this image alone comes before that for its registry, and that before the one for all. */
  get(provider: string, repository: RepositoryName, nowMs: number): Keyring | undefined {
    for (const type of ['Image', 'Registry', 'Global'] as const) {
      const key = keyOf(provider, type, repository);
      const entry = this.#entries.get(key);
      if (entry !== undefined && entry.expiresAtMs > nowMs) return entry.keyring;
      this.#entries.delete(key);
    }
    return undefined;
  }

  put(provider: string, type: CacheKeyType, repository: RepositoryName, entry: Entry): void {
    const key = keyOf(provider, type, repository);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size > MAX_ENTRIES) this.#entries.delete(oldest);
  }
}

/** Neither a program's name nor a repository has a space in it. */
function keyOf(
  provider: string,
  type: CacheKeyType,
  { registry, repository }: RepositoryName,
): string {
  switch (type) {
    case 'Image':
      return `${provider} ${registry}/${repository}`;
    case 'Registry':
      return `${provider} ${registry}`;
    case 'Global':
      return provider;
  }
}
