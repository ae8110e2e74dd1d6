// What somebody carries in: the files of an OCI image layout.
import {
  CRLS,
  evidenceEntry,
  evidenceLayer,
  OCSP_RESPONSES,
} from '../../../agent/verifier/bundle/evidence-kind.ts';
import {
  assertLayout,
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

const KINDS = [
  [CRLS, 'http://ca.example/crl'],
  [OCSP_RESPONSES, `${'ab'.repeat(20)}:${'cd'.repeat(20)}:01`],
] as const;

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
            { ...ENTRY, artifactType: CRLS.artifactType },
            { ...ENTRY, artifactType: OCSP_RESPONSES.artifactType },
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
      const evidence = KINDS.map(([kind]) => evidenceEntry(index, kind));
      return [index.created, referrersEntry(index, DIGEST), ...evidence, ...images];
    },
  },
  ...KINDS.map(([kind, subject]) => ({
    name: `manifest of ${kind.mediaType}`,
    seeds: () =>
      json({
        ...{ schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType: kind.artifactType },
        config: ENTRY,
        layers: [
          { ...ENTRY, mediaType: kind.mediaType, annotations: { [kind.label]: subject } },
          { ...ENTRY, mediaType: kind.mediaType },
        ],
      }),
    read: (bytes: Uint8Array) =>
      evidenceLayer(parseLayoutManifest(bytes, OCI_MANIFEST, 'evidence'), kind, subject),
  })),
];
