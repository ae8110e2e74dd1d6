// One signature of an image, fetched from its registry: signature-specification.md, "OCI Signatures".
import { AgentError } from '../errors.ts';
import { parseStrictJson } from '../notation/encoding/json.ts';
import { MAX_ENVELOPE_BYTES } from '../notation/signature/decoded-envelope.ts';
import { parseSignatureManifest } from '../notation/signature/manifest.ts';
import type { UnusableSignature } from '../notation/verification/decision.ts';
import type { FetchedSignature } from '../notation/verification/signature.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { parseManifest } from '../oci/manifest.ts';
import type { RegistryClient } from './registry/client.ts';
import { interrupted } from './registry/failure.ts';
import type { Referrers } from './registry/referrers.ts';
import type { RepositoryName } from './registry/session.ts';
import type { GoodSignatures } from './good-signatures.ts';
import type { SignatureCache } from './signature-cache.ts';
import type { ByteBudget, SignatureLimits } from './signature-limits.ts';

/** The registry client bounds manifests to 4 MiB; theirs nest less than this. */
const MAX_MANIFEST_DEPTH = 16;
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** One signature manifest listed for the image: its envelope, or why it cannot be had. */
export type SignatureCandidate =
  | { readonly kind: 'fetched'; readonly signature: FetchedSignature }
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
  readonly good: GoodSignatures | undefined;
  readonly limits: SignatureLimits;
  /** What the registry lists, where it was asked before it was known to be needed. */
  readonly listed?: Promise<Referrers>;
}

/** The signature if it was fetched before; costs no request. */
export function keptSignature(
  { cache, repository, image }: SignatureSource,
  { digest }: Descriptor,
): FetchedSignature | undefined {
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
): Promise<FetchedSignature | undefined> {
  const what = `signature manifest ${descriptor.digest}`;
  if (!fits(descriptor, MAX_MANIFEST_BYTES, budget)) return undefined;
  const bytes = await registry.fetchManifest(repository, descriptor, signal);
  const value = parseStrictJson(bytes, {
    what,
    code: 'manifest_invalid',
    maxBytes: MAX_MANIFEST_BYTES,
    maxDepth: MAX_MANIFEST_DEPTH,
  });
  const layer = parseSignatureManifest(
    parseManifest(value, descriptor.mediaType, what),
    image,
    what,
  );
  if (!fits(layer, MAX_ENVELOPE_BYTES, budget)) return undefined;
  const envelope = await registry.fetchBlob(repository, layer, MAX_ENVELOPE_BYTES, signal);
  return { digest: descriptor.digest, mediaType: layer.mediaType, envelope };
}

/** What is larger than any may be is refused without a byte of it, so it takes nothing. */
function fits({ size }: Descriptor, maxBytes: number, budget: ByteBudget): boolean {
  return size > maxBytes || budget.take(size);
}
