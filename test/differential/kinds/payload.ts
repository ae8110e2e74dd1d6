// Kinds about the signed payload: which artifact a signature is for.
import { digestOf, FORMATS, LEVELS, signature, world } from '../generate/setup.ts';
import { each, kind } from '../kind.ts';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const OTHER_TARGETS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'another digest': { digest: digestOf('another') },
  'a digest of another case': { digest: digestOf('another').toUpperCase() },
  'a longer digest': { digest: `sha512:${'ab'.repeat(64)}` },
  'another size': { size: 1 },
  'one byte more': { size: 100_000 },
  'another media type': { mediaType: INDEX },
  'media type with a parameter': { mediaType: 'application/vnd.oci.image.manifest.v1+json; a=b' },
};

export const PAYLOAD_KINDS = [
  kind({
    name: 'signature of another artifact',
    parameters: { format: FORMATS, level: LEVELS, target: OTHER_TARGETS },
    build: ({ format, level, target }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signature: { format, target: { ...given.image, ...target } },
      }),
  }),
  kind({
    name: 'payload that names no artifact',
    parameters: {
      format: FORMATS,
      payload: {
        'an empty object': '{}',
        'null for it': '{"targetArtifact":null}',
        'an empty artifact': '{"targetArtifact":{}}',
        'an array': '[]',
        text: 'payload',
        null: 'null',
        'nothing but blanks': '  ',
      },
    },
    build: ({ format, payload }, given) =>
      world(given, {
        fault: 'integrity',
        signature: { format, payload: Buffer.from(payload) },
      }),
  }),
  kind({
    name: 'payload that says more of the artifact',
    parameters: {
      format: FORMATS,
      more: {
        annotations: { annotations: { 'com.example': 'value' } },
        'artifact type': { artifactType: 'application/vnd.example' },
        'unknown member': { 'com.example': [1, 2] },
        urls: { urls: ['https://example.com/'] },
        platform: { platform: { os: 'linux', architecture: 'amd64' } },
      },
    },
    build: ({ format, more }, given) =>
      world(given, { signature: { format, target: { ...given.image, ...more } } }),
  }),
  kind({
    name: 'payload with members beside the artifact',
    parameters: { format: FORMATS, name: each('com.example', 'version', 'targetArtifacts') },
    build: ({ format, name }, given) => {
      const payload = Buffer.from(JSON.stringify({ [name]: 1, targetArtifact: given.image }));
      return world(given, { signature: { format, payload } });
    },
  }),
  kind({
    name: 'duplicate member in the payload',
    parameters: { format: FORMATS, level: LEVELS, place: each('document', 'artifact') },
    build: ({ format, level, place }, given) => {
      const good = JSON.stringify({ targetArtifact: given.image });
      const twice =
        place === 'document'
          ? good.replace('{', '{"targetArtifact":{},')
          : good.replace('"digest"', `"digest":"${digestOf('another')}","digest"`);
      return world(given, {
        level,
        fault: 'integrity',
        signature: { format, payload: Buffer.from(twice) },
      });
    },
  }),
  kind({
    name: 'member of the payload in another case',
    parameters: { format: FORMATS, name: each('targetArtifact', 'digest', 'mediaType') },
    build: ({ format, name }, given) => {
      const good = JSON.stringify({ targetArtifact: given.image });
      const payload = Buffer.from(good.replace(`"${name}"`, `"${name.toUpperCase()}"`));
      return world(given, { fault: 'integrity', signature: { format, payload } });
    },
  }),
  kind({
    name: 'bytes after the payload’s document',
    parameters: { format: FORMATS, tail: each('x', '{}', ',', '\0') },
    build: ({ format, tail }, given) => {
      const payload = Buffer.from(`${JSON.stringify({ targetArtifact: given.image })}${tail}`);
      return world(given, { fault: 'integrity', signature: { format, payload } });
    },
  }),
  kind({
    name: 'signature for an image index',
    parameters: { format: FORMATS, level: LEVELS },
    build: ({ format, level }, given) => {
      const { registry, repository } = given;
      const index = registry.pushManifest(
        repository,
        { schemaVersion: 2, mediaType: INDEX, manifests: [given.image] },
        { mediaType: INDEX, tag: 'index' },
      );
      // What is asked for is the index; the image in it has no signature.
      const attach = signature({ format, target: index });
      return world(
        { ...given, image: index },
        { level, signatures: [(place) => attach({ ...place, image: index })] },
      );
    },
  }),
];
