// Reference in, verdict out: the one service that pull, re-verification, webhook and command line share.
import { AgentError } from '../errors.ts';
import { selectStatement } from '../notation/trustpolicy/selection.ts';
import type { TrustPolicyDocument } from '../notation/trustpolicy/document.ts';
import type { Statement } from '../notation/trustpolicy/statement.ts';
import type { TrustStoreName } from '../notation/trustpolicy/trust-store-name.ts';
import { allowSkipped, type Decided, denyFor } from '../notation/verification/decision.ts';
import type { SignatureContext } from '../notation/verification/signature.ts';
import type { Verdict } from '../notation/verification/verdict.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { parseReference, type Reference, repositoryOf } from '../oci/reference.ts';
import type { Bundle } from './bundle/bundle.ts';
import { resolveCarried, withBundleAge } from './carried-signatures.ts';
import { judge, listSignatures, recall, type Remembered } from './judge.ts';
import type { RegistryClient } from './registry/client.ts';
import { loadStatementTrust } from './statement-trust.ts';
import { evidenceFor, type EvidenceSources } from './evidence-sources.ts';
import type { KnownSignatures } from './good-signatures.ts';
import type { SignatureCache } from './signature-cache.ts';
import type { SignatureSource } from './signatures.ts';
import { SIGNATURE_LIMITS, type SignatureLimits } from './signature-limits.ts';
import type { TrustStores } from './truststore/load.ts';
import type { VerifiedEnvelopes } from './verified-envelopes.ts';
import { isoTime } from '../utc.ts';

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

/** Decides, too, by what it remembers. */
export interface RecallingVerifier extends Verifier {
  /**
   * The verdict that needs no registry, judged anew by the policy, trust, time and revocation of this
   * moment; null where only the registry can tell. The image must have its descriptor. Rejects as
   * `verify` does.
   */
  recall(image: ImageToVerify, signal: AbortSignal): Promise<Recalled | null>;
}

/** A verdict without a registry. */
export interface Recalled {
  readonly verdict: Verdict;
  /** False: the signature that is known is good no more, and the registry may have another. */
  readonly isFinal: boolean;
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
  /** For a process that judges the same images again. */
  readonly goodSignatures?: KnownSignatures;
  /** For a process that keeps `signatures`. */
  readonly envelopes?: VerifiedEnvelopes;
  /** Signatures that were carried in. What they are worth is judged as of any. */
  readonly bundle?: Bundle;
  /** Those that differ from `SIGNATURE_LIMITS`. */
  readonly limits?: Partial<SignatureLimits>;
}

/** Creates the service from its parts. */
export function createVerifier(parts: VerifierParts): RecallingVerifier {
  return {
    async verify(image, signal) {
      const draft = new Draft(image);
      const decided = await decide(parts, image, draft, signal).catch(denial);
      return draft.verdict(decided, parts.clock.now());
    },
    async recall(image, signal) {
      const draft = new Draft(image);
      const found = await decideByMemory(parts, image, draft, signal).catch((error: unknown) =>
        final(denial(error)),
      );
      if (found === undefined) return null;
      const { decided, isFinal } = found;
      return { verdict: draft.verdict(decided, parts.clock.now()), isFinal };
    },
  };
}

/** What is known of a verdict so far; whatever stops it, this much is reported. */
class Draft {
  readonly #startMs = performance.now();
  repository: string;
  digest: Verdict['digest'];
  policy: string | null = null;
  level: Verdict['level'] = null;
  policyHash: string | null = null;
  trustHash: string | null = null;

  constructor({ name, descriptor }: ImageToVerify) {
    this.repository = name.split('@')[0] ?? '';
    this.digest = descriptor?.digest ?? null;
  }

  verdict(decided: Decided, now: Date): Verdict {
    const durationMs = Math.round((performance.now() - this.#startMs) * 10) / 10;
    const { repository, digest, policy, level, policyHash, trustHash } = this;
    const known = { repository, digest, policy, level, policyHash, trustHash };
    return { ...decided, ...known, time: isoTime(now), durationMs };
  }
}

function denial(error: unknown): Decided {
  if (error instanceof AgentError) return denyFor(error);
  throw error;
}

async function decide(
  parts: VerifierParts,
  image: ImageToVerify,
  draft: Draft,
  signal: AbortSignal,
): Promise<Decided> {
  const { reference, statement } = await selectPolicy(parts, image, draft);
  if (isSkipped(statement)) return allowSkipped(statement.name);
  const registry = await parts.registry;
  const artifact = image.descriptor ?? (await resolveCarried(parts, registry, reference, signal));
  assertDigest(reference, artifact);
  draft.digest = artifact.digest;
  const source = await askedAhead(sourceOf(parts, registry, reference, artifact), signal);
  const context = await contextOf(parts, statement, artifact, draft);
  const decided = await judge(source, context, evidenceFor(parts.evidence, signal), signal);
  return withBundleAge(decided, parts.bundle, artifact.digest, context.now);
}

/** As `decide`, without asking a registry; undefined where one would have to be asked. */
async function decideByMemory(
  parts: VerifierParts,
  image: ImageToVerify,
  draft: Draft,
  signal: AbortSignal,
): Promise<Remembered | undefined> {
  const { reference, statement } = await selectPolicy(parts, image, draft);
  if (isSkipped(statement)) return final(allowSkipped(statement.name));
  const artifact = image.descriptor;
  if (artifact === undefined) return undefined;
  assertDigest(reference, artifact);
  const source = sourceOf(parts, await parts.registry, reference, artifact);
  const context = await contextOf(parts, statement, artifact, draft);
  return recall(source, context, evidenceFor(parts.evidence, signal));
}

/** No registry has anything to add to it. */
function final(decided: Decided): Remembered {
  return { decided, isFinal: true };
}

async function selectPolicy(parts: VerifierParts, { name }: ImageToVerify, draft: Draft) {
  const reference = parseReference(name);
  draft.repository = repositoryOf(reference);
  draft.digest ??= reference.digest ?? null;
  const policy = await parts.policy();
  draft.policyHash = policy.hash;
  const statement = selectStatement(policy, draft.repository);
  draft.policy = statement.name;
  draft.level = statement.signatureVerification.level;
  return { reference, statement };
}

/** No registry is asked for what the policy skips, as the specification has it. */
function isSkipped({ signatureVerification: { level } }: Statement): boolean {
  return level === 'skip';
}

function sourceOf(
  parts: VerifierParts,
  registry: RegistryClient,
  repository: Reference,
  artifact: Descriptor,
): SignatureSource {
  return {
    ...{ registry, repository, image: artifact.digest },
    cache: parts.signatures,
    good: parts.goodSignatures,
    bundle: parts.bundle,
    limits: { ...SIGNATURE_LIMITS, ...parts.limits },
  };
}

async function contextOf(
  parts: VerifierParts,
  statement: Statement,
  artifact: Descriptor,
  draft: Draft,
): Promise<SignatureContext> {
  const trust = await loadStatementTrust(statement.trustStores, parts.trust);
  draft.trustHash = trust.hash;
  return {
    ...{ artifact, statement, trust: trust.stores, now: parts.clock.now() },
    ...(parts.envelopes && { verifyEnvelope: parts.envelopes.verify }),
  };
}

/** Where nothing is remembered or carried the registry will be asked: it answers while trust stores are read. */
async function askedAhead(source: SignatureSource, signal: AbortSignal): Promise<SignatureSource> {
  if (source.good !== undefined || source.bundle !== undefined) return source;
  const listed = listSignatures(source, signal);
  // It may fail before anybody waits for it.
  listed.catch(() => undefined);
  // To read trust stores takes milliseconds without a pause, and the request would be sent after them.
  await new Promise((resolve) => setImmediate(resolve));
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
