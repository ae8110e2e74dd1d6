// Signature manifests: signature-specification.md, "OCI Signatures": which manifest is a signature of
// an image, and where its envelope is.
import { AgentError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import type { ArtifactManifest, ImageManifest, Manifest } from '../../oci/manifest.ts';
import { OCI_EMPTY } from '../../oci/media-types.ts';
import { show } from '../../oci/show.ts';

/**
 * The artifact type of signatures, and what referrers are filtered by. To be compared whole: types
 * that merely begin with it (dm-verity layer signatures) are something else.
 */
export const SIGNATURE_ARTIFACT_TYPE = 'application/vnd.cncf.notary.signature';

/**
 * The descriptor of the signature envelope in a signature manifest for the image with digest
 * `image`. Throws `signature_manifest_invalid` naming `what` unless the manifest is a signature (by
 * its artifact type, or in the older form by its configuration's media type), says that it belongs
 * to this image and has exactly one layer. Not checked: the envelope's media type and size, and
 * whether the signature was really made for the image, which its signed payload alone can tell.
 */
export function parseSignatureManifest(
  manifest: Manifest,
  image: Digest,
  what: string,
): Descriptor {
  if (manifest.kind === 'index') {
    throw invalid(what, 'an image manifest or artifact manifest', manifest.mediaType);
  }
  assertSignature(manifest, what);
  // Whoever may push can list any manifest as a referrer; only the manifest itself says of what.
  if (manifest.subject?.digest !== image) {
    throw invalid(`${what}.subject`, `the image ${image}`, manifest.subject?.digest);
  }
  const [member, envelopes] =
    manifest.kind === 'image' ? ['layers', manifest.layers] : ['blobs', manifest.blobs];
  const [envelope, ...others] = envelopes;
  if (envelope === undefined || others.length > 0) {
    throw invalid(`${what}.${member}`, 'exactly one signature envelope', envelopes);
  }
  return envelope;
}

function assertSignature(manifest: ImageManifest | ArtifactManifest, what: string): void {
  if (manifest.artifactType !== undefined) {
    assertType(manifest.artifactType, SIGNATURE_ARTIFACT_TYPE, `${what}.artifactType`);
  }
  if (manifest.kind === 'artifact') return;
  const expected = manifest.artifactType === undefined ? SIGNATURE_ARTIFACT_TYPE : OCI_EMPTY;
  assertType(manifest.config.mediaType, expected, `${what}.config.mediaType`);
}

function assertType(found: string, expected: string, what: string): void {
  if (found !== expected) throw invalid(what, expected, found);
}

function invalid(what: string, expected: string, found: unknown): AgentError {
  return new AgentError(
    'signature_manifest_invalid',
    `${what}: expected ${expected}, found ${show(found)}`,
  );
}
