// The bytes of one signature of an image, its manifest and its envelope, and what the one says of the other.
import { parseStrictJson } from '../notation/encoding/json.ts';
import { parseSignatureManifest } from '../notation/signature/manifest.ts';
import type { FetchedSignature } from '../notation/verification/signature.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { parseManifest } from '../oci/manifest.ts';

/** A signature with the manifest that its digest names. */
export interface SignatureContent extends FetchedSignature {
  readonly manifest: Uint8Array;
  readonly manifestType: string;
}

/** The registry client bounds manifests to 4 MiB; theirs nest less than this. */
const MAX_MANIFEST_DEPTH = 16;
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/**
 * The descriptor of the envelope, by a manifest whose bytes have the digest that `signature` names.
 * The manifest is the signature of `image` and of nothing else. Throws `manifest_invalid` or
 * `signature_manifest_invalid`.
 */
export function envelopeOf(
  manifest: Uint8Array,
  signature: Pick<Descriptor, 'digest' | 'mediaType'>,
  image: Digest,
): Descriptor {
  const what = `signature manifest ${signature.digest}`;
  const value = parseStrictJson(manifest, {
    what,
    code: 'manifest_invalid',
    maxBytes: MAX_MANIFEST_BYTES,
    maxDepth: MAX_MANIFEST_DEPTH,
  });
  return parseSignatureManifest(parseManifest(value, signature.mediaType, what), image, what);
}
