// Which repositories are in a registry without the referrers API, remembered for a while.
import { type Reference, repositoryOf } from '../../oci/reference.ts';

/** An upgrade of the registry is noticed after this at the latest; a refusal never waits for it. */
const REMEMBERED_MS = 5 * 60_000;

/** More than the images of a node come from. */
const MAX_REPOSITORIES = 1_000;
/** One host serves one registry, or is the mirror of some. */
const MAX_REGISTRIES = 64;

interface Noted {
  readonly hasApi: boolean;
  readonly untilMs: number;
}

/**
 * Saves the request that only says that there is no API, once per registry and five minutes: what one
 * repository lacks, its neighbours lack until they are asked themselves.
 */
export class ReferrersMemory {
  readonly #nowMs: () => number;
  readonly #repositories = new Map<string, Noted>();
  readonly #registries = new Map<string, Noted>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Whether there was no API when it was asked last, a short while ago. */
  lacksApi(repository: Reference): boolean {
    const noted =
      this.#fresh(this.#repositories.get(repositoryOf(repository))) ??
      this.#fresh(this.#registries.get(repository.registry));
    return noted?.hasApi === false;
  }

  note(repository: Reference, hasApi: boolean): void {
    const noted = { hasApi, untilMs: this.#nowMs() + REMEMBERED_MS };
    put(this.#repositories, repositoryOf(repository), noted, MAX_REPOSITORIES);
    put(this.#registries, repository.registry, noted, MAX_REGISTRIES);
  }

  #fresh(noted: Noted | undefined): Noted | undefined {
    return noted !== undefined && this.#nowMs() < noted.untilMs ? noted : undefined;
  }
}

/** Maps keep the order of insertion: what was noted last goes to the end. */
function put(map: Map<string, Noted>, key: string, noted: Noted, most: number): void {
  map.delete(key);
  map.set(key, noted);
  const [oldest] = map.keys();
  if (oldest !== undefined && map.size > most) map.delete(oldest);
}
