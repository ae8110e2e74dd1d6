// What is remembered of hosts: who did not answer, who has signatures of a repository, who lacks the referrers API.
import { type Reference, repositoryOf } from '../../../oci/reference.ts';
import { ReferrersMemory } from '../referrers-memory.ts';
import type { RegistryHost } from './registry-host.ts';

/** A mirror that is back is asked again after this; until then it costs no request its time. */
const SILENT_MS = 30_000;

/** More hosts than any node has, more repositories than its images come from. */
const MAX_HOSTS = 256;
const MAX_REPOSITORIES = 1_000;

type Name = Pick<Reference, 'registry' | 'repository'>;

/** Of one client. */
export class HostMemory {
  readonly #nowMs: () => number;
  readonly #silentUntilMs = new Map<string, number>();
  readonly #listedBy = new Map<string, string>();
  readonly #referrers = new Map<string, ReferrersMemory>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  isSilent({ root }: RegistryHost): boolean {
    const untilMs = this.#silentUntilMs.get(root.href);
    return untilMs !== undefined && this.#nowMs() < untilMs;
  }

  noteSilence({ root }: RegistryHost): void {
    put(this.#silentUntilMs, root.href, this.#nowMs() + SILENT_MS, MAX_HOSTS);
  }

  /** Content is fetched where it was listed: a mirror without referrers does not have it. */
  noteListing(repository: Name, { root }: RegistryHost): void {
    put(this.#listedBy, repositoryOf(repository), root.href, MAX_REPOSITORIES);
  }

  hasListed(repository: Name, { root }: RegistryHost): boolean {
    return this.#listedBy.get(repositoryOf(repository)) === root.href;
  }

  referrersOf({ root }: RegistryHost): ReferrersMemory {
    const known = this.#referrers.get(root.href);
    if (known !== undefined) return known;
    const created = new ReferrersMemory(this.#nowMs);
    put(this.#referrers, root.href, created, MAX_HOSTS);
    return created;
  }
}

/** Maps keep the order of insertion: the oldest goes when there are too many. */
function put<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (oldest !== undefined && map.size > most) map.delete(oldest);
}
