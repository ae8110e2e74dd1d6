// What credential provider plugins answered, for as long as they let it be kept. Pure.
import type { Keyring } from './keyring.ts';
import type { CacheKeyType } from './provider-response.ts';
import type { RepositoryName } from './secret-source.ts';

export interface ProviderRun {
  /** Of the plugin. */
  readonly name: string;
  /** See `RunAs.key`. */
  readonly runAs: string;
}

interface Entry {
  readonly keyring: Keyring;
  readonly expiresAtMs: number;
}

/** Images of a node; the oldest is forgotten, and asked for again. */
const MAX_ENTRIES = 1_000;

/** By plugin, by whom it was run for, and by image, registry or nothing. */
export class ProviderCache {
  readonly #entries = new Map<string, Entry>();

  /** The answer for this image alone comes before that for its registry, and that before the one for all. */
  get(provider: ProviderRun, repository: RepositoryName, nowMs: number): Keyring | undefined {
    for (const type of ['Image', 'Registry', 'Global'] as const) {
      const key = keyOf(provider, type, repository);
      const entry = this.#entries.get(key);
      if (entry !== undefined && entry.expiresAtMs > nowMs) return entry.keyring;
      this.#entries.delete(key);
    }
    return undefined;
  }

  put(provider: ProviderRun, type: CacheKeyType, repository: RepositoryName, entry: Entry): void {
    const key = keyOf(provider, type, repository);
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size > MAX_ENTRIES) this.#entries.delete(oldest);
  }
}

function keyOf(
  { name, runAs }: ProviderRun,
  type: CacheKeyType,
  { registry, repository }: RepositoryName,
): string {
  const covers = { Image: `${registry}/${repository}`, Registry: registry, Global: '' }[type];
  return JSON.stringify([name, covers, runAs]);
}
