// One signature of an image, fetched from its registry: signature-specification.md, "OCI Signatures".
import { AgentError } from '../errors.ts';
import { MAX_ENVELOPE_BYTES } from '../notation/signature/decoded-envelope.ts';
import type { UnusableSignature } from '../notation/verification/decision.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { pinned } from '../oci/reference.ts';
import type { Bundle } from './bundle/bundle.ts';
import type { RegistryClient } from './registry/client.ts';
import { interrupted } from './registry/failure.ts';
import type { Referrers } from './registry/referrers.ts';
import type { RepositoryName } from './registry/session.ts';
import type { KnownSignatures } from './good-signatures.ts';
import type { SignatureCache } from './signature-cache.ts';
import { envelopeOf, MAX_MANIFEST_BYTES, type SignatureContent } from './signature-content.ts';
import type { ByteBudget, SignatureLimits } from './signature-limits.ts';

/** One signature manifest listed for the image: its envelope, or why it cannot be had. */
export type SignatureCandidate =
  | { readonly kind: 'fetched'; readonly signature: SignatureContent }
  | ({ readonly kind: 'unusable' } & UnusableSignature);

/** It takes more bytes than it was given: whether it is any good is not known. */
export interface LargeSignature {
  readonly kind: 'large';
}

/** Where the signatures of one image are looked for. */
export interface SignatureSource {
  readonly registry: RegistryClient;
  readonly repository: RepositoryName;
  readonly image: Digest;
  /** Absent where a process judges one image and ends. */
  readonly cache: SignatureCache | undefined;
  /** Absent where every verdict is to ask the registry. */
  readonly good: KnownSignatures | undefined;
  readonly limits: SignatureLimits;
  /** What was carried in, looked at before the registry. Absent: nothing was. */
  readonly bundle?: Bundle | undefined;
  /** What the registry lists, where it was asked before it was known to be needed. */
  readonly listed?: Promise<Referrers>;
}

/** Nothing refers to the image; `also` is why it may be that nothing was found. */
export function signatureMissing(
  { repository, image }: Pick<SignatureSource, 'repository' | 'image'>,
  also?: AgentError,
): AgentError {
  const fault = `${pinned(repository, image)}: expected a Notary Project signature, found none`;
  if (also === undefined) return new AgentError('signature_missing', fault);
  return new AgentError('signature_missing', `${fault}; ${also.message}`, { cause: also });
}

/** The signature if it was fetched before; costs no request. */
export function keptSignature(
  { cache, repository, image }: SignatureSource,
  { digest }: Descriptor,
): SignatureContent | undefined {
  return cache?.get({ repository, image, signature: digest });
}

/**
 * Fetches one signature. What is wrong with it is a value, so that a bad referrer, which anybody
 * who may push can add, never hides a good one; only the end of the time is thrown.
 */
export async function fetchSignature(
  source: SignatureSource,
  descriptor: Descriptor,
  budget: ByteBudget,
  signal: AbortSignal,
): Promise<SignatureCandidate | LargeSignature> {
  try {
    const signature =
      keptSignature(source, descriptor) ??
      (await fetchEnvelope(source, descriptor, budget, signal));
    if (signature === undefined) return { kind: 'large' };
    const { cache, repository, image } = source;
    cache?.put({ repository, image, signature: descriptor.digest }, signature);
    return { kind: 'fetched', signature };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    // Whatever failed when the time was over, it is the time that decided.
    if (signal.aborted) throw interrupted(signal, `signature manifest ${descriptor.digest}`);
    return { kind: 'unusable', signature: descriptor.digest, error };
  }
}

/** The envelope, or `undefined` once the budget is too small for it. */
async function fetchEnvelope(
  { registry, repository, image }: SignatureSource,
  descriptor: Descriptor,
  budget: ByteBudget,
  signal: AbortSignal,
): Promise<SignatureContent | undefined> {
  if (!fits(descriptor, MAX_MANIFEST_BYTES, budget)) return undefined;
  const manifest = await registry.fetchManifest(repository, descriptor, signal);
  const layer = envelopeOf(manifest, descriptor, image);
  if (!fits(layer, MAX_ENVELOPE_BYTES, budget)) return undefined;
  const envelope = await registry.fetchBlob(repository, layer, MAX_ENVELOPE_BYTES, signal);
  const { digest, mediaType: manifestType } = descriptor;
  return { digest, mediaType: layer.mediaType, envelope, manifest, manifestType };
}

/** What is larger than any may be is refused without a byte of it, so it takes nothing. */
function fits({ size }: Descriptor, maxBytes: number, budget: ByteBudget): boolean {
  return size > maxBytes || budget.take(size);
}
