// Which repositories are in a registry without the referrers API, remembered for a while.
import { type Reference, repositoryOf } from '../../oci/reference.ts';

/** An upgrade of the registry is noticed after this at the latest; a refusal never waits for it. */
const REMEMBERED_MS = 5 * 60_000;

/** More than the images of a node come from. */
const MAX_REPOSITORIES = 1_000;

/** Saves the request that only says that there is no API, once per repository and five minutes. */
export class ReferrersMemory {
  readonly #nowMs: () => number;
  readonly #untilMs = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Whether there was no API when it was asked last, a short while ago. */
  lacksApi(repository: Reference): boolean {
    const untilMs = this.#untilMs.get(repositoryOf(repository));
    return untilMs !== undefined && this.#nowMs() < untilMs;
  }

  note(repository: Reference, hasApi: boolean): void {
    const key = repositoryOf(repository);
    // Maps keep the order of insertion: what was noted last goes to the end.
    this.#untilMs.delete(key);
    if (hasApi) return;
    this.#untilMs.set(key, this.#nowMs() + REMEMBERED_MS);
    const [oldest] = this.#untilMs.keys();
    if (oldest !== undefined && this.#untilMs.size > MAX_REPOSITORIES) this.#untilMs.delete(oldest);
  }
}
