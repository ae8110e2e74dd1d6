// Manifests and indexes: each form good once, and each of its members broken once.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../agent/errors.ts';
import { MAX_INDEX_ENTRIES, MAX_LAYERS, parseManifest } from '../../agent/oci/manifest.ts';
import {
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  MANIFEST_MEDIA_TYPES,
  OCI_ARTIFACT_MANIFEST,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
} from '../../agent/oci/media-types.ts';
import { expectCode } from '../support/expect-code.ts';

const LAYER = { mediaType: 'application/x', digest: `sha256:${'0a'.repeat(32)}`, size: 7 };
const CONFIG = { ...LAYER, mediaType: OCI_EMPTY, size: 2 };
const IMAGE = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: CONFIG, layers: [LAYER] };
const INDEX = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [LAYER, CONFIG] };
const ARTIFACT = {
  mediaType: OCI_ARTIFACT_MANIFEST,
  artifactType: 'application/y',
  blobs: [LAYER],
};

const GOOD = { image: IMAGE, index: INDEX, artifact: ARTIFACT };

describe('parseManifest', () => {
  it('reads an image manifest with its subject and artifact type', () => {
    const value = { ...IMAGE, subject: LAYER, artifactType: 'application/y' };
    expect(parseManifest(value, OCI_MANIFEST, 'manifest')).toEqual({
      kind: 'image',
      mediaType: OCI_MANIFEST,
      config: CONFIG,
      layers: [LAYER],
      subject: LAYER,
      artifactType: 'application/y',
    });
  });

  it('reads an empty artifact type and a null subject as none', () => {
    const value = { ...IMAGE, artifactType: '', subject: null };
    const found = parseManifest(value, OCI_MANIFEST, 'manifest');
    expect(found).not.toHaveProperty('artifactType');
    expect(found).not.toHaveProperty('subject');
  });

  it('reads an index, a legacy artifact manifest, and the forms of Docker', () => {
    expect(parseManifest(INDEX, OCI_INDEX, 'index')).toMatchObject({
      kind: 'index',
      manifests: [LAYER, CONFIG],
      malformed: 0,
    });
    expect(parseManifest(ARTIFACT, OCI_ARTIFACT_MANIFEST, 'artifact')).toMatchObject({
      kind: 'artifact',
      artifactType: 'application/y',
      blobs: [LAYER],
    });
    const docker = { ...IMAGE, mediaType: DOCKER_MANIFEST };
    expect(parseManifest(docker, DOCKER_MANIFEST, 'manifest')).toMatchObject({ kind: 'image' });
    const list = { ...INDEX, mediaType: DOCKER_INDEX };
    expect(parseManifest(list, DOCKER_INDEX, 'index')).toMatchObject({ kind: 'index' });
  });

  it('reads a document that leaves its media type to the response', () => {
    expect(parseManifest({ ...INDEX, mediaType: undefined }, OCI_INDEX, 'index').kind).toBe(
      'index',
    );
  });

  it.each<[string, keyof typeof GOOD, object, string]>([
    ['another media type than it came by', 'image', { mediaType: OCI_INDEX }, 'mediaType'],
    ['a media type that is no string', 'image', { mediaType: null }, 'mediaType'],
    ['schema version 1', 'image', { schemaVersion: 1 }, 'schemaVersion'],
    ['no schema version', 'index', { schemaVersion: undefined }, 'schemaVersion'],
    ['an image that is also an index', 'image', { manifests: [] }, 'manifests'],
    ['an image that is also an artifact', 'image', { blobs: [] }, 'blobs'],
    ['an index that is also an image', 'index', { layers: [] }, 'layers'],
    ['an index with a configuration', 'index', { config: CONFIG }, 'config'],
    ['an artifact that is also an index', 'artifact', { manifests: [] }, 'manifests'],
    ['an image without layers', 'image', { layers: undefined }, 'layers'],
    ['layers that are no array', 'image', { layers: {} }, 'layers'],
    ['too many layers', 'image', { layers: Array(MAX_LAYERS + 1).fill(LAYER) }, 'layers'],
    ['an index without manifests', 'index', { manifests: undefined }, 'manifests'],
    [
      'an index of too many entries',
      'index',
      { manifests: Array(MAX_INDEX_ENTRIES + 1).fill(null) },
      'manifests',
    ],
    ['an artifact type that is no string', 'image', { artifactType: 1 }, 'artifactType'],
    ['an artifact without a type', 'artifact', { artifactType: undefined }, 'artifactType'],
  ])('refuses %s', (_, kind, broken, member) => {
    const { mediaType } = GOOD[kind];
    expect(parseManifest(GOOD[kind], mediaType, 'it').kind).toBe(kind);
    const error = expectCode(
      () => parseManifest({ ...GOOD[kind], ...broken }, mediaType, 'it'),
      'manifest_invalid',
    );
    expect(error.message).toContain(`it.${member}: expected`);
  });

  it.each([
    ['config', { config: null }],
    ['layers[1]', { layers: [LAYER, {}] }],
    ['subject', { subject: 'x' }],
  ])('refuses a manifest whose %s is no descriptor', (place, broken) => {
    const value = { ...IMAGE, ...broken };
    const error = expectCode(
      () => parseManifest(value, OCI_MANIFEST, 'manifest'),
      'descriptor_invalid',
    );
    expect(error.message).toContain(`manifest.${place}`);
  });

  it('counts and leaves out index entries that are no descriptors, and keeps the rest', () => {
    const junk = [null, {}, { ...LAYER, digest: 'sha256:0a' }];
    const found = parseManifest({ ...INDEX, manifests: [...junk, LAYER] }, OCI_INDEX, 'index');
    expect(found).toMatchObject({ manifests: [LAYER], malformed: 3 });
  });

  it('refuses a media type that is no manifest', () => {
    expectCode(() => parseManifest(IMAGE, 'application/json', 'manifest'), 'manifest_invalid');
    expectCode(() => parseManifest(IMAGE, 'toString', 'manifest'), 'manifest_invalid');
  });

  it('returns a manifest or throws an AgentError, whatever it is given', () => {
    const mutated = fc
      .tuple(
        fc.constantFrom<object>(IMAGE, INDEX, ARTIFACT),
        fc.constantFrom('config', 'layers', 'manifests', 'blobs', 'subject', 'mediaType'),
        fc.anything(),
      )
      .map(([good, member, broken]) => ({ ...good, [member]: broken }));
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), mutated),
        fc.constantFrom<string>(...MANIFEST_MEDIA_TYPES),
        (value, mediaType) => {
          try {
            expect(parseManifest(value, mediaType, 'it').mediaType).toBe(mediaType);
          } catch (error) {
            expect(error).toBeInstanceOf(AgentError);
          }
        },
      ),
    );
  });
});
