// The verifiers of the webhook: the one of pulls, with a memory for what is reviewed again and again.
import type { Verdict } from '../../notation/verification/verdict.ts';
import type { Bundle } from '../../verifier/bundle/bundle.ts';
import type { EvidenceSources } from '../../verifier/evidence-sources.ts';
import { GoodSignatures } from '../../verifier/good-signatures.ts';
import type { InForce } from '../../verifier/in-force.ts';
import { rememberResolutions } from '../../verifier/recent-resolutions.ts';
import type { RegistryClient } from '../../verifier/registry/client.ts';
import { SignatureCache } from '../../verifier/signature-cache.ts';
import { VerifiedEnvelopes } from '../../verifier/verified-envelopes.ts';
import { createVerifier, type Verifier } from '../../verifier/verifier.ts';
import type { PullIdentity } from '../../webhook/pull-identity.ts';

export interface AdmissionVerifiersParts {
  /** A client that asks with the secrets of this pod; without one, with those of the webhook alone. */
  readonly openRegistry: (identity: PullIdentity | undefined) => RegistryClient;
  /** Whether pods have secrets of their own. */
  readonly hasPullSecrets: boolean;
  readonly evidence: EvidenceSources;
  /** Signatures that were carried in. */
  readonly bundle?: Bundle | undefined;
  readonly inForce: Pick<InForce, 'policy' | 'trust'>;
  readonly clock: { now(): Date };
}

/** Images of a whole cluster, where a node has its own alone. */
const MAX_SIGNATURE_BYTES = 16 * 1024 * 1024;
/** Of the images that are rolled out at a time; some 5 MiB. */
const MAX_ENVELOPES = 256;
/** Namespaces that roll out at a time; each has connections and tokens of its own. */
const MAX_CLIENTS = 64;

interface Opened {
  readonly registry: RegistryClient;
  readonly verifier: Verifier;
  /** Verdicts under way. */
  users: number;
}

/**
 * One verifier for each way to be let in: tokens and tags that one pod's secrets opened are not for
 * another's. Signatures are for all: they prove themselves.
 */
export class AdmissionVerifiers {
  readonly #parts: AdmissionVerifiersParts;
  readonly #signatures = new SignatureCache(MAX_SIGNATURE_BYTES);
  readonly #envelopes = new VerifiedEnvelopes(MAX_ENVELOPES);
  /** The one that was used longest ago comes first. */
  readonly #opened = new Map<string, Opened>();

  constructor(parts: AdmissionVerifiersParts) {
    this.#parts = parts;
  }

  /** As `Verifier.verify`. */
  async verify(name: string, identity: PullIdentity, signal: AbortSignal): Promise<Verdict> {
    const opened = this.#open(identity);
    opened.users += 1;
    try {
      return await opened.verifier.verify({ name }, signal);
    } finally {
      opened.users -= 1;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened.values()].map(({ registry }) => registry.close()));
  }

  #open(identity: PullIdentity): Opened {
    const { hasPullSecrets, openRegistry } = this.#parts;
    const { namespace, serviceAccount, pullSecrets } = identity;
    // What is in no namespace is no pod's: a node asks what it should have been told.
    const hasOwn = hasPullSecrets && namespace !== '';
    const key = hasOwn ? [namespace, serviceAccount, ...pullSecrets].join(' ') : '';
    const known = this.#opened.get(key);
    const registry = known?.registry ?? openRegistry(hasOwn ? identity : undefined);
    const opened = known ?? { registry, verifier: this.#verifier(registry), users: 0 };
    this.#opened.delete(key);
    this.#opened.set(key, opened);
    if (known === undefined) this.#closeOldest();
    return opened;
  }

  #verifier(registry: RegistryClient): Verifier {
    const { evidence, bundle, inForce, clock } = this.#parts;
    const signatures = this.#signatures;
    return createVerifier({
      ...{ evidence, clock, signatures, envelopes: this.#envelopes },
      ...{ policy: inForce.policy, trust: inForce.trust, ...(bundle && { bundle }) },
      registry: rememberResolutions(registry, () => clock.now().getTime()),
      // Who may not read an image is not told that it is good.
      goodSignatures: new GoodSignatures(signatures),
    });
  }

  /** Those in use stay, however many there are. */
  #closeOldest(): void {
    if (this.#opened.size <= MAX_CLIENTS) return;
    for (const [key, { users, registry }] of this.#opened) {
      if (users > 0) continue;
      this.#opened.delete(key);
      // Nothing is under way that could fail by it.
      registry.close().catch(() => undefined);
      return;
    }
  }
}
