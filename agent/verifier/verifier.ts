// Reference in, verdict out: the one service that pull, re-verification, webhook and command line share.
import { AgentError } from '../errors.ts';
import { selectStatement } from '../notation/trustpolicy/selection.ts';
import type { TrustPolicyDocument } from '../notation/trustpolicy/document.ts';
import type { TrustStoreName } from '../notation/trustpolicy/trust-store-name.ts';
import { allowSkipped, type Decided, denyFor } from '../notation/verification/decision.ts';
import type { Verdict } from '../notation/verification/verdict.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { parseReference, type Reference, repositoryOf } from '../oci/reference.ts';
import { judge, listSignatures } from './judge.ts';
import type { RegistryClient } from './registry/client.ts';
import { loadStatementTrust } from './statement-trust.ts';
import { evidenceFor, type EvidenceSources } from './evidence-sources.ts';
import type { GoodSignatures } from './good-signatures.ts';
import type { SignatureCache } from './signature-cache.ts';
import type { SignatureSource } from './signatures.ts';
import { SIGNATURE_LIMITS, type SignatureLimits } from './signature-limits.ts';
import type { TrustStores } from './truststore/load.ts';
import type { VerifiedEnvelopes } from './verified-envelopes.ts';

/** An image as containerd or a person named it. */
export interface ImageToVerify {
  readonly name: string;
  /** What the name was resolved to already. With it the tag is ignored: it may have moved since. */
  readonly descriptor?: Descriptor;
}

/** Decides on images. */
export interface Verifier {
  /**
   * The verdict on one image. Whatever goes wrong outside (registry, policy, trust stores, time)
   * is a deny with its reason; the promise is rejected only for a fault in nodeseal itself.
   */
  verify(image: ImageToVerify, signal: AbortSignal): Promise<Verdict>;
}

/** What verdicts are made from. Policy and trust are asked for on every verdict. */
export interface VerifierParts {
  readonly registry: Promise<RegistryClient> | RegistryClient;
  readonly policy: () => Promise<TrustPolicyDocument>;
  readonly trust: (names: readonly TrustStoreName[]) => Promise<TrustStores>;
  readonly clock: { now(): Date };
  /** Asked only for signatures whose chain is anchored in a trust store. */
  readonly evidence: EvidenceSources;
  /** For a process that judges many images. */
  readonly signatures?: SignatureCache;
  /** For a process that judges the same images again; over the same `signatures`. */
  readonly goodSignatures?: GoodSignatures;
  /** For a process that keeps `signatures`. */
  readonly envelopes?: VerifiedEnvelopes;
  /** Those that differ from `SIGNATURE_LIMITS`. */
  readonly limits?: Partial<SignatureLimits>;
}

/** What is known of a verdict so far; whatever stops it, this much is reported. */
interface Draft {
  repository: string;
  digest: Verdict['digest'];
  policy: string | null;
  level: Verdict['level'];
  policyHash: string | null;
  trustHash: string | null;
}

/** Creates the service from its parts. */
export function createVerifier(parts: VerifierParts): Verifier {
  return {
    async verify(image, signal) {
      const start = performance.now();
      const draft: Draft = {
        repository: image.name.split('@')[0] ?? '',
        digest: image.descriptor?.digest ?? null,
        policy: null,
        level: null,
        policyHash: null,
        trustHash: null,
      };
      const decided = await decide(parts, image, draft, signal).catch((error: unknown) => {
        if (error instanceof AgentError) return denyFor(error);
        throw error;
      });
      const durationMs = Math.round((performance.now() - start) * 10) / 10;
      return { ...decided, ...draft, time: parts.clock.now().toISOString(), durationMs };
    },
  };
}

async function decide(
  parts: VerifierParts,
  image: ImageToVerify,
  draft: Draft,
  signal: AbortSignal,
): Promise<Decided> {
  const reference = parseReference(image.name);
  draft.repository = repositoryOf(reference);
  draft.digest ??= reference.digest ?? null;
  const policy = await parts.policy();
  draft.policyHash = policy.hash;
  const statement = selectStatement(policy, draft.repository);
  draft.policy = statement.name;
  draft.level = statement.signatureVerification.level;
  // No registry is asked for what the policy skips, as the specification has it.
  if (statement.signatureVerification.level === 'skip') return allowSkipped(statement.name);
  const registry = await parts.registry;
  const artifact = image.descriptor ?? (await registry.resolve(reference, signal));
  assertDigest(reference, artifact);
  draft.digest = artifact.digest;
  const source = askedAhead(
    {
      ...{ registry, repository: reference, image: artifact.digest },
      cache: parts.signatures,
      good: parts.goodSignatures,
      limits: { ...SIGNATURE_LIMITS, ...parts.limits },
    },
    signal,
  );
  const trust = await loadStatementTrust(statement.trustStores, parts.trust);
  draft.trustHash = trust.hash;
  const context = {
    ...{ artifact, statement, trust: trust.stores, now: parts.clock.now() },
    ...(parts.envelopes && { verifyEnvelope: parts.envelopes.verify }),
  };
  return judge(source, context, evidenceFor(parts.evidence, signal), signal);
}

/** Where nothing is remembered the registry will be asked: it answers while trust stores are read. */
function askedAhead(source: SignatureSource, signal: AbortSignal): SignatureSource {
  if (source.good !== undefined) return source;
  const listed = listSignatures(source, signal);
  // It may fail before anybody waits for it.
  listed.catch(() => undefined);
  return { ...source, listed };
}

/** CVE-2023-33959 in Notation: the artifact verified was not the one that was asked for. */
function assertDigest(reference: Reference, artifact: Descriptor): void {
  if (reference.digest === undefined || reference.digest === artifact.digest) return;
  throw new AgentError(
    'content_mismatch',
    `${repositoryOf(reference)}: expected ${reference.digest} as named, found ${artifact.digest}`,
  );
}
