// Fills a bundle with the signatures of images, as their registries list them.
import { AgentError } from '../errors.ts';
import { SIGNATURE_ARTIFACT_TYPE } from '../notation/signature/manifest.ts';
import { parseTimestampToken } from '../notation/timestamp/token.ts';
import { verifyEnvelope } from '../notation/verification/signature.ts';
import type { Certificate } from '../notation/x509/certificate.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { OCI_INDEX } from '../oci/media-types.ts';
import { parseReference, type Reference } from '../oci/reference.ts';
import { REF_NAME } from './bundle/layout-index.ts';
import type { LayoutWriter } from './bundle/layout-writer.ts';
import { type CollectedIssued, issuedOf } from './collect-evidence.ts';
import type { RegistryClient } from './registry/client.ts';
import { listSignatures } from './judge.ts';
import { envelopeOf, type SignatureContent } from './signature-content.ts';
import { ByteBudget, SIGNATURE_LIMITS } from './signature-limits.ts';
import { fetchSignature } from './signatures.ts';

/** What a bundle has of one image. */
export interface CollectedImage {
  readonly name: string;
  /** Null where the registry does not say. */
  readonly digest: Digest | null;
  readonly signatures: readonly Digest[];
  /** Why there are not more. */
  readonly faults: readonly AgentError[];
  /** For the index of the layout. */
  readonly entries: readonly Descriptor[];
  /** Certificates about which a verifier would ask, if their chain is one. */
  readonly issued: readonly CollectedIssued[];
}

/** What a bundle is made from. */
export interface BundleParts {
  readonly registry: RegistryClient;
  readonly writer: LayoutWriter;
  /** Who may have issued what a timestamp has no issuer for. */
  readonly authorities: readonly Certificate[];
}

/**
 * Adds the signatures of one image. None is judged: that is for who trusts somebody. What cannot be
 * had is a fault of the image, and does not keep others out.
 */
export async function collectImage(
  name: string,
  parts: BundleParts,
  signal: AbortSignal,
): Promise<CollectedImage> {
  const nothing = { name, digest: null, signatures: [], entries: [], issued: [] };
  const reference = parseReference(name);
  try {
    const image = await parts.registry.resolve(reference, signal);
    try {
      return await collectSignatures({ name, reference, image }, parts, signal);
    } catch (error) {
      if (!(error instanceof AgentError) || error.code === 'argument_invalid') throw error;
      return { ...nothing, digest: image.digest, faults: [error] };
    }
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'argument_invalid') throw error;
    return { ...nothing, faults: [error] };
  }
}

interface NamedImage {
  readonly name: string;
  readonly reference: Reference;
  readonly image: Descriptor;
}

async function collectSignatures(
  { name, reference, image }: NamedImage,
  parts: BundleParts,
  signal: AbortSignal,
): Promise<CollectedImage> {
  const { writer } = parts;
  const { sound, faults, listed } = await fetchAll(reference, image.digest, parts, signal);
  for (const { signature, layer } of sound) {
    await writer.add(signature.envelope, layer.mediaType, layer.digest);
    await writer.add(signature.manifest, signature.manifestType, signature.digest);
  }
  const kept = new Set(sound.map(({ signature }) => signature.digest));
  const manifests = listed
    .filter(({ digest }) => kept.has(digest))
    .map((one) => ({ ...one, artifactType: SIGNATURE_ARTIFACT_TYPE }));
  const referrers = await writer.addJson({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  const { mediaType, digest, size } = image;
  return {
    ...{ name, digest, faults, signatures: [...kept] },
    issued: sound.flatMap(({ issued }) => issued),
    entries: [
      { mediaType, digest, size, annotations: { [REF_NAME]: name } },
      { ...referrers, annotations: { [REF_NAME]: digest.replace(':', '-') } },
    ],
  };
}

interface SoundSignature {
  readonly signature: SignatureContent;
  /** Of the envelope. */
  readonly layer: Descriptor;
  readonly issued: readonly CollectedIssued[];
}

/** Those that are signatures at all; what anybody may push beside them is told and left out. */
async function fetchAll(
  repository: Reference,
  image: Digest,
  { registry, authorities }: BundleParts,
  signal: AbortSignal,
) {
  const source = {
    ...{ registry, repository, image },
    ...{ cache: undefined, good: undefined, limits: SIGNATURE_LIMITS },
  };
  const budget = new ByteBudget(SIGNATURE_LIMITS.largeBytes);
  const sound: SoundSignature[] = [];
  const faults: AgentError[] = [];
  const { descriptors: listed, truncated } = await listSignatures(source, signal);
  if (truncated) faults.push(limited(`${listed.length} signatures`));
  for (const descriptor of listed) {
    try {
      const found = await fetchSignature(source, descriptor, budget, signal);
      if (found.kind === 'unusable') throw found.error;
      if (found.kind === 'large') throw limited(`${SIGNATURE_LIMITS.largeBytes} bytes`);
      sound.push(soundSignature(found.signature, image, authorities));
    } catch (error) {
      if (!(error instanceof AgentError) || signal.aborted) throw error;
      faults.push(error);
    }
  }
  return { sound, faults, listed };
}

function soundSignature(
  signature: SignatureContent,
  image: Digest,
  authorities: readonly Certificate[],
): SoundSignature {
  const { manifest, manifestType: mediaType, digest } = signature;
  const { chain, timestampToken } = verifyEnvelope(signature);
  const issued = [...issuedOf(chain), ...issuedOf(authorityOf(timestampToken), authorities)];
  return { signature, layer: envelopeOf(manifest, { digest, mediaType }, image), issued };
}

/**
 * Of its chain a token need not hold all: whose root it leads to only a trust store tells. What is no
 * token is no reason against a signature of which nobody asks for one.
 */
function authorityOf(token: Uint8Array | undefined): readonly Certificate[] {
  try {
    return token === undefined ? [] : parseTimestampToken(token).certificates;
  } catch (error) {
    if (error instanceof AgentError) return [];
    throw error;
  }
}

function limited(most: string): AgentError {
  return new AgentError('signature_limit_exceeded', `expected at most ${most}, found more`);
}
