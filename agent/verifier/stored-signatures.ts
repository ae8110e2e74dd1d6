// Good signatures on disk, so that neither a restart nor another policy nor a registry that is down costs a request.
import { AgentError } from '../errors.ts';
import type { Digest } from '../oci/digest.ts';
import { repositoryOf } from '../oci/reference.ts';
import type { KnownSignatures } from './good-signatures.ts';
import { assertDigest } from './registry/content.ts';
import type { RepositoryName } from './registry/session.ts';
import { envelopeOf, type SignatureContent } from './signature-content.ts';

/** A signature as it lies in a store: bytes that somebody may have changed. */
export type StoredSignature = Omit<SignatureContent, 'mediaType'>;

/** Keeps at most one signature for each image; `agent/audit` has it in the ledger. */
export interface SignatureStore {
  get(repository: string, image: Digest): StoredSignature | undefined;
  /** In place of the one before. May keep nothing of what is too large. */
  put(repository: string, image: Digest, signature: StoredSignature): void;
  forget(repository: string, image: Digest): void;
  /** Whether `get` would give this one. */
  has(repository: string, image: Digest, signature: Digest): boolean;
}

/**
 * For images that are on the node already, whose verdicts only report: a signature stays known for as
 * long as it is good. Nothing is taken on trust from the store. What comes back must have the digests
 * by which it was kept, be a manifest of this very image, and is then verified as if the registry had
 * just sent it, under the policy, trust, time and revocation of that moment. What is not seen is that
 * somebody took it away from the registry, which revokes nothing.
 */
export class StoredSignatures implements KnownSignatures {
  readonly #recent: KnownSignatures;
  readonly #store: SignatureStore;
  readonly #onFault: (error: AgentError) => void;

  /** What is known from pulls comes first: it is newer. `onFault` is told of what cannot be used. */
  constructor(
    recent: KnownSignatures,
    store: SignatureStore,
    onFault: (error: AgentError) => void,
  ) {
    this.#recent = recent;
    this.#store = store;
    this.#onFault = onFault;
  }

  get(repository: RepositoryName, image: Digest, now: Date): SignatureContent | undefined {
    return (
      this.#recent.get(repository, image, now) ?? this.#stored(repositoryOf(repository), image)
    );
  }

  put(repository: RepositoryName, image: Digest, signature: SignatureContent, now: Date): void {
    this.#recent.put(repository, image, signature, now);
    this.confirm(repository, image, signature);
  }

  confirm(name: RepositoryName, image: Digest, signature: SignatureContent): void {
    const repository = repositoryOf(name);
    this.#attempt(() => {
      if (this.#store.has(repository, image, signature.digest)) return;
      this.#store.put(repository, image, signature);
    });
  }

  #stored(repository: string, image: Digest): SignatureContent | undefined {
    return this.#attempt(() => {
      const stored = this.#store.get(repository, image);
      if (stored === undefined) return undefined;
      try {
        return asKept(stored, image);
      } catch (error) {
        this.#store.forget(repository, image);
        throw error;
      }
    });
  }

  /** Without its store a verdict takes a request more; that is no reason against the image. */
  #attempt<T>(use: () => T): T | undefined {
    try {
      return use();
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#onFault(error);
      return undefined;
    }
  }
}

/** Throws `content_mismatch`, `manifest_invalid` or `signature_manifest_invalid`. */
function asKept(stored: StoredSignature, image: Digest): SignatureContent {
  const { digest, manifest, manifestType, envelope } = stored;
  assertDigest(manifest, digest, `kept signature manifest ${digest}`);
  const layer = envelopeOf(manifest, { digest, mediaType: manifestType }, image);
  const what = `kept signature envelope ${layer.digest}`;
  assertDigest(envelope, layer.digest, what);
  if (envelope.length !== layer.size) {
    const fault = `expected ${layer.size} bytes, found ${envelope.length}`;
    throw new AgentError('content_mismatch', `${what}: ${fault}`);
  }
  return { ...stored, mediaType: layer.mediaType };
}
