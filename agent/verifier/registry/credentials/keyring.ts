// Secrets by the registries and repositories they are for, as kubelet's keyring holds them. Pure.
import type { Secret } from './credential.ts';
import { type ImagePattern, matchesImage, parseImagePattern } from './image-match.ts';

interface Key {
  readonly text: string;
  readonly pattern: ImagePattern;
  readonly secret: Secret;
}

/** What Docker calls its own registry, for what is not named otherwise. */
const DEFAULT_REGISTRY = 'index.docker.io';

/** Holds secrets by names such as `https://registry.example/v1/`, `registry.example/team` or `*.example`. */
export class Keyring {
  readonly #keys: readonly Key[];

  /** A name that is none is for no image; several secrets of one name stay in their order. */
  constructor(secrets: Iterable<readonly [name: string, secret: Secret]>) {
    const keys = [...secrets].flatMap(([name, secret]) => {
      const text = keyOf(name);
      const pattern = parseImagePattern(text);
      return pattern === undefined ? [] : [{ text, pattern, secret }];
    });
    // Backwards, so that `example.com/team` comes before `example.com`.
    this.#keys = keys.sort((a, b) => (a.text < b.text ? 1 : a.text > b.text ? -1 : 0));
  }

  /** Those for a repository by its whole name, the more specific first. */
  lookup(repository: string): readonly Secret[] {
    const image = parseImagePattern(repository);
    if (image === undefined) return [];
    const found = this.#keys.filter(({ pattern }) => matchesImage(pattern, image));
    const isDefault = found.length === 0 && repository.startsWith('docker.io/');
    const chosen = isDefault ? this.#keys.filter(({ text }) => text === DEFAULT_REGISTRY) : found;
    return chosen.map(({ secret }) => secret);
  }
}

/** Docker takes `/v1/` and `/v2/` for the registry itself. */
function keyOf(name: string): string {
  const bare = name.replace(/^https?:\/\//, '').replace(/[?#].*$/s, '');
  const slash = bare.indexOf('/');
  if (slash < 0) return bare;
  const path = bare.slice(slash).replace(/^\/v[12]\//, '/');
  return path === '/' ? bare.slice(0, slash) : bare.slice(0, slash) + path;
}
