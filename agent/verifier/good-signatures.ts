// Which signature of an image was good last: it is tried before the registry is asked again.
import type { Digest } from '../oci/digest.ts';
import { repositoryOf } from '../oci/reference.ts';
import { copyText } from './copied-text.ts';
import type { RepositoryName } from './registry/session.ts';
import type { SignatureCache } from './signature-cache.ts';
import type { SignatureContent } from './signature-content.ts';

/** What is known of images without asking their registry: a signature of each that was good. */
export interface KnownSignatures {
  /** A signature that was good for the image; to be verified like any other. */
  get(repository: RepositoryName, image: Digest, now: Date): SignatureContent | undefined;
  /** Notes that a signature, as the registry listed it at `now`, was good. */
  put(repository: RepositoryName, image: Digest, signature: SignatureContent, now: Date): void;
  /** Notes that what `get` gave was good again. */
  confirm(repository: RepositoryName, image: Digest, signature: SignatureContent): void;
}

/**
 * Of a good signature nothing is the registry's word: its content binds it to the image's digest, and
 * policy, trust, expiry and revocation are judged anew each time. What is not seen within this is
 * that somebody took it away from the registry.
 */
const KEPT_MS = 60 * 60 * 1000;

/** More images than a node holds. */
const MAX_IMAGES = 4096;

interface Good {
  readonly signature: Digest;
  readonly untilMs: number;
}

/** Remembers one signature for each image; the envelopes stay in the cache, and leave with it. */
export class GoodSignatures implements KnownSignatures {
  readonly #cache: SignatureCache;
  readonly #good = new Map<string, Good>();

  constructor(cache: SignatureCache) {
    this.#cache = cache;
  }

  /** The signature that was good for the image not long ago. */
  get(repository: RepositoryName, image: Digest, now: Date): SignatureContent | undefined {
    const good = this.#good.get(textOf(repository, image));
    if (good === undefined || good.untilMs <= now.getTime()) return undefined;
    return this.#cache.get({ repository, image, signature: good.signature });
  }

  put(
    repository: RepositoryName,
    image: Digest,
    { digest: signature }: SignatureContent,
    now: Date,
  ): void {
    const text = textOf(repository, image);
    this.#good.delete(text);
    this.#good.set(text, { signature: copyText(signature), untilMs: now.getTime() + KEPT_MS });
    const [oldest] = this.#good.keys();
    if (oldest !== undefined && this.#good.size > MAX_IMAGES) this.#good.delete(oldest);
  }

  /** Does not make it known for longer: only the registry's list does. */
  confirm(): void {
    // What is known stays as it is.
  }
}

function textOf(repository: RepositoryName, image: Digest): string {
  return `${repositoryOf(repository)}@${image}`;
}
