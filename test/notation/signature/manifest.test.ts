// Signature manifests: the three forms good, and each of their rules broken once.
import { describe, expect, it } from 'vitest';
import {
  parseSignatureManifest,
  SIGNATURE_ARTIFACT_TYPE,
} from '../../../agent/notation/signature/manifest.ts';
import type { Descriptor } from '../../../agent/oci/descriptor.ts';
import { parseDigest } from '../../../agent/oci/digest.ts';
import type { ArtifactManifest, ImageManifest, Index } from '../../../agent/oci/manifest.ts';
import {
  OCI_ARTIFACT_MANIFEST,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
} from '../../../agent/oci/media-types.ts';
import { expectCode } from '../../support/expect-code.ts';

const IMAGE = parseDigest(`sha256:${'0a'.repeat(32)}`);
const OTHER = parseDigest(`sha256:${'0b'.repeat(32)}`);
const DM_VERITY = `${SIGNATURE_ARTIFACT_TYPE}.dm-verity`;

const SUBJECT = descriptor(OCI_MANIFEST, IMAGE);
const ENVELOPE = descriptor('application/jose+json', OTHER);

const BY_ARTIFACT_TYPE: ImageManifest = {
  kind: 'image',
  mediaType: OCI_MANIFEST,
  artifactType: SIGNATURE_ARTIFACT_TYPE,
  config: descriptor(OCI_EMPTY, OTHER),
  layers: [ENVELOPE],
  subject: SUBJECT,
};
const BY_CONFIG: ImageManifest = {
  kind: 'image',
  mediaType: OCI_MANIFEST,
  config: descriptor(SIGNATURE_ARTIFACT_TYPE, OTHER),
  layers: [ENVELOPE],
  subject: SUBJECT,
};
const LEGACY: ArtifactManifest = {
  kind: 'artifact',
  mediaType: OCI_ARTIFACT_MANIFEST,
  artifactType: SIGNATURE_ARTIFACT_TYPE,
  blobs: [ENVELOPE],
  subject: SUBJECT,
};

describe('parseSignatureManifest', () => {
  it.each([
    ['by its artifact type', BY_ARTIFACT_TYPE],
    ['by its configuration', BY_CONFIG],
    ['in the legacy artifact form', LEGACY],
  ])('finds the envelope of a signature known %s', (_, manifest) => {
    expect(parseSignatureManifest(manifest, IMAGE, 'signature')).toEqual(ENVELOPE);
  });

  const index: Index = { kind: 'index', mediaType: OCI_INDEX, manifests: [SUBJECT], malformed: 0 };

  it.each<[string, ImageManifest | ArtifactManifest | Index]>([
    ['an index', index],
    ['a dm-verity artifact type', { ...BY_ARTIFACT_TYPE, artifactType: DM_VERITY }],
    ['a dm-verity legacy artifact', { ...LEGACY, artifactType: DM_VERITY }],
    ['a dm-verity configuration', { ...BY_CONFIG, config: descriptor(DM_VERITY, OTHER) }],
    ['an artifact type in other case', { ...LEGACY, artifactType: 'application/VND.cncf' }],
    ['both forms at once', { ...BY_CONFIG, artifactType: SIGNATURE_ARTIFACT_TYPE }],
    ['neither form', { ...BY_CONFIG, config: descriptor(OCI_EMPTY, OTHER) }],
    ['no subject', withoutSubject(BY_ARTIFACT_TYPE)],
    ['no subject in the legacy form', withoutSubject(LEGACY)],
    ['another subject', { ...BY_CONFIG, subject: descriptor(OCI_MANIFEST, OTHER) }],
    ['no layer', { ...BY_ARTIFACT_TYPE, layers: [] }],
    ['two layers', { ...BY_ARTIFACT_TYPE, layers: [ENVELOPE, ENVELOPE] }],
    ['no blob', { ...LEGACY, blobs: [] }],
    ['two blobs', { ...LEGACY, blobs: [ENVELOPE, ENVELOPE] }],
  ])('refuses %s', (_, manifest) => {
    expectCode(
      () => parseSignatureManifest(manifest, IMAGE, 'signature'),
      'signature_manifest_invalid',
    );
  });
});

function withoutSubject(manifest: ImageManifest | ArtifactManifest) {
  return Object.fromEntries(
    Object.entries(manifest).filter(([member]) => member !== 'subject'),
  ) as unknown as typeof manifest;
}

function descriptor(mediaType: string, digest: Descriptor['digest']): Descriptor {
  return { mediaType, digest, size: 7 };
}
