// What somebody carries in: the files of an OCI image layout.
import {
  assertLayout,
  CRL_ADDRESS,
  CRLS_TYPE,
  crlsEntry,
  imageEntry,
  parseLayoutIndex,
  parseLayoutManifest,
  referrersEntry,
} from '../../../agent/verifier/bundle/layout-index.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../../agent/oci/media-types.ts';
import type { Reader } from '../fuzz.ts';
import { json, texts } from '../text.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}` as const;
const NAME = 'registry.example/a:b';
const REF_NAME = 'org.opencontainers.image.ref.name';
const ENTRY = { mediaType: OCI_MANIFEST, digest: DIGEST, size: 528 };

export const BUNDLE_READERS: readonly Reader[] = [
  {
    name: 'oci-layout of a bundle',
    seeds: () =>
      texts('{"imageLayoutVersion":"1.0.0"}', '{ "imageLayoutVersion": "1.0.0", "a": 1 }'),
    read: (bytes) => {
      assertLayout(bytes, 'oci-layout');
      return true;
    },
  },
  {
    name: 'index of a bundle',
    seeds: () =>
      json(
        {
          schemaVersion: 2,
          mediaType: OCI_INDEX,
          manifests: [
            { ...ENTRY, annotations: { [REF_NAME]: NAME } },
            {
              ...ENTRY,
              mediaType: OCI_INDEX,
              annotations: { [REF_NAME]: DIGEST.replace(':', '-') },
            },
            { ...ENTRY, artifactType: CRLS_TYPE },
          ],
          annotations: { 'org.opencontainers.image.created': '2026-06-01T00:00:00Z' },
        },
        { schemaVersion: 2, manifests: [] },
      ),
    read: (bytes) => {
      const index = parseLayoutIndex(bytes, 'index.json');
      const images = [
        imageEntry(index, { name: NAME }),
        imageEntry(index, { name: '', digest: DIGEST }),
      ];
      return [index.created, referrersEntry(index, DIGEST), crlsEntry(index), ...images];
    },
  },
  {
    name: 'manifest of CRLs',
    seeds: () =>
      json({
        ...{ schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType: CRLS_TYPE, config: ENTRY },
        layers: [{ ...ENTRY, annotations: { [CRL_ADDRESS]: 'http://ca.example/crl' } }],
      }),
    read: (bytes) => parseLayoutManifest(bytes, OCI_MANIFEST, 'CRLs'),
  },
];
