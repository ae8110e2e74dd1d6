// Which images are canaries: those of this agent, and what one that was killed left behind.
import type { Digest } from '../oci/digest.ts';
import type { CanaryContent } from './canary-content.ts';

/** The journal tells of a run a moment after it; agents that are killed again and again make no more in that moment. */
const MAX_RUNS = 64;

/** Where canaries are remembered while no agent runs. */
export interface CanaryMemory {
  /** Keeps the digests of a run, and those of the last `runs` at most. */
  remember(digests: readonly string[], runs: number): void;
  /** The digests of each run, in order. */
  recall(): readonly (readonly string[])[];
}

const NO_MEMORY: CanaryMemory = { remember: () => undefined, recall: () => [] };

/**
 * The canaries of this node. They are known by their content, which names no other image: whoever
 * merely names an image like a canary has it counted and verified like any other.
 */
export class OwnImages {
  readonly #memory: CanaryMemory;
  readonly #runs: ReadonlySet<string>[];

  /** Without a memory, they are those of this process. Throws what the memory throws. */
  constructor(memory: CanaryMemory = NO_MEMORY) {
    this.#memory = memory;
    this.#runs = memory.recall().map((digests) => new Set(digests));
  }

  /** To be called before the images can be pulled. Throws what the memory throws. */
  remember({ images: { signed, unsigned } }: CanaryContent): void {
    const digests = [signed, unsigned].flatMap(({ descriptor, configDigest }) => [
      descriptor.digest,
      configDigest,
    ]);
    this.#memory.remember(digests, MAX_RUNS);
    this.#runs.push(new Set(digests));
    if (this.#runs.length > MAX_RUNS) this.#runs.shift();
  }

  /** Whether content is that of a canary. */
  hasDigest(digest: Digest | null): boolean {
    return digest !== null && this.#has(digest);
  }

  /** Whether a record of containerd, `repository@digest` or a digest alone, names a canary. */
  hasName(name: string): boolean {
    return this.#has(name.slice(name.indexOf('@') + 1));
  }

  #has(digest: string): boolean {
    return this.#runs.some((digests) => digests.has(digest));
  }
}

const NAME =
  /^127\.0\.0\.1:\d{1,5}\/nodeseal-canary\/[0-9a-f]{32}-(?:un)?signed@sha256:[0-9a-f]{64}$/;

/**
 * Whether an image with these names was left by a canary. An image that has any other name as well
 * is somebody's, and must stay: removing it would take all of its names.
 */
export function isLeftover(names: readonly string[]): boolean {
  return names.length > 0 && names.every((name) => NAME.test(name));
}
