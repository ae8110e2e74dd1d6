// The signatures of an image, fetched one by one from its registry: signature-specification.md, "OCI Signatures".
import { AgentError } from '../errors.ts';
import { parseStrictJson } from '../notation/encoding/json.ts';
import { MAX_ENVELOPE_BYTES } from '../notation/signature/decoded-envelope.ts';
import { parseSignatureManifest, SIGNATURE_ARTIFACT_TYPE } from '../notation/signature/manifest.ts';
import type { UnusableSignature } from '../notation/verification/decision.ts';
import type { FetchedSignature } from '../notation/verification/signature.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { parseManifest } from '../oci/manifest.ts';
import type { RegistryClient } from './registry/client.ts';
import { interrupted } from './registry/failure.ts';
import type { RepositoryName } from './registry/session.ts';
import type { SignatureCache } from './signature-cache.ts';

/** The registry client bounds manifests to 4 MiB; theirs nest less than this. */
const MAX_MANIFEST_DEPTH = 16;
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** One signature manifest listed for the image: its envelope, or why it cannot be had. */
export type SignatureCandidate =
  | { readonly kind: 'fetched'; readonly signature: FetchedSignature }
  | ({ readonly kind: 'unusable' } & UnusableSignature);

/** Where the signatures of one image are looked for. */
export interface SignatureSource {
  readonly registry: RegistryClient;
  readonly repository: RepositoryName;
  readonly image: Digest;
  /** Absent where a process judges one image and ends. */
  readonly cache: SignatureCache | undefined;
}

/** What a registry lists for an image. */
export interface ListedSignatures {
  readonly descriptors: readonly Descriptor[];
  /** True when the registry has more than are looked at. */
  readonly truncated: boolean;
}

/** Lists the signature manifests of an image. Throws the codes of the registry client. */
export async function listSignatures(
  { registry, repository, image }: SignatureSource,
  signal: AbortSignal,
): Promise<ListedSignatures> {
  return registry.listReferrers(repository, image, SIGNATURE_ARTIFACT_TYPE, signal);
}

/**
 * Fetches one signature. What is wrong with it is a value, so that a bad referrer, which anybody
 * who may push can add, never hides a good one; only the end of the time is thrown.
 */
export async function fetchSignature(
  source: SignatureSource,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<SignatureCandidate> {
  try {
    const { cache, repository, image } = source;
    const key = { repository, image, signature: descriptor.digest };
    const signature = cache?.get(key) ?? (await fetchEnvelope(source, descriptor, signal));
    cache?.put(key, signature);
    return { kind: 'fetched', signature };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    // Whatever failed when the time was over, it is the time that decided.
    if (signal.aborted) throw interrupted(signal, `signature manifest ${descriptor.digest}`);
    return { kind: 'unusable', signature: descriptor.digest, error };
  }
}

async function fetchEnvelope(
  { registry, repository, image }: SignatureSource,
  descriptor: Descriptor,
  signal: AbortSignal,
): Promise<FetchedSignature> {
  const what = `signature manifest ${descriptor.digest}`;
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
  const envelope = await registry.fetchBlob(repository, layer, MAX_ENVELOPE_BYTES, signal);
  return { digest: descriptor.digest, mediaType: layer.mediaType, envelope };
}
