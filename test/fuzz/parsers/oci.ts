// OCI: references, digests, descriptors and manifests.
import { parseStrictJson } from '../../../agent/notation/encoding/json.ts';
import { parseDescriptor } from '../../../agent/oci/descriptor.ts';
import { parseDigest } from '../../../agent/oci/digest.ts';
import { parseManifest } from '../../../agent/oci/manifest.ts';
import { MANIFEST_MEDIA_TYPES, type ManifestMediaType } from '../../../agent/oci/media-types.ts';
import { isRepository, parseReference } from '../../../agent/oci/reference.ts';
import { printable, show } from '../../../agent/oci/show.ts';
import type { Reader } from '../fuzz.ts';
import { json, ofText, texts } from '../text.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const DESCRIPTOR = { mediaType: 'application/a', digest: DIGEST, size: 528 };
const FULL = { ...DESCRIPTOR, artifactType: 'a/b', annotations: { a: 'b' }, platform: {} };

export const OCI_READERS: readonly Reader[] = [
  {
    name: 'image reference',
    seeds: () =>
      texts(
        'registry.example:5000/a/b__c:v1',
        `a.b/c@${DIGEST}`,
        `localhost/a:t@sha512:${'0'.repeat(128)}`,
      ),
    read: ofText(parseReference),
  },
  {
    name: 'repository',
    seeds: () => texts('registry.example:5000/a/b', 'a.b/c---d.e'),
    read: ofText(isRepository),
  },
  {
    name: 'digest',
    seeds: () => texts(DIGEST, `sha512:${'0f'.repeat(64)}`),
    read: ofText((text) => parseDigest(text)),
  },
  {
    name: 'descriptor',
    seeds: () => json(DESCRIPTOR, FULL),
    read: (bytes) => parseDescriptor(valueOf(bytes), 'descriptor'),
  },
  ...MANIFEST_MEDIA_TYPES.map(manifest),
  {
    name: 'text to show',
    seeds: () => texts('plain', 'a\u0000\u202e\ud83d\ude00"\\'),
    read: ofText((text) => [show(text), printable(text, 20)]),
  },
];

function manifest(mediaType: ManifestMediaType): Reader {
  const isIndex = /index|list/.test(mediaType);
  const isArtifact = mediaType.includes('artifact');
  const parts = isIndex
    ? { manifests: [FULL, DESCRIPTOR] }
    : isArtifact
      ? { artifactType: 'a/b', blobs: [FULL], subject: DESCRIPTOR }
      : { config: DESCRIPTOR, layers: [FULL, DESCRIPTOR], subject: DESCRIPTOR };
  return {
    name: `manifest ${mediaType.replace(/^application\//, '')}`,
    seeds: () => json({ schemaVersion: 2, mediaType, ...parts }),
    read: (bytes) => parseManifest(valueOf(bytes), mediaType, 'manifest'),
  };
}

function valueOf(bytes: Uint8Array): unknown {
  const options = { what: 'document', code: 'manifest_invalid', maxBytes: 1 << 22 } as const;
  return parseStrictJson(bytes, options);
}
