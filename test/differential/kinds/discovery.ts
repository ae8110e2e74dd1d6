// Kinds about what the registry lists as signatures, and in which order.
import type { Descriptor } from '../../../agent/oci/descriptor.ts';
import { parseDigest } from '../../../agent/oci/digest.ts';
import { IMAGE_MANIFEST, SIGNATURE_TYPE } from '../../support/registry/content.ts';
import { MEDIA_TYPES, signEnvelope } from '../../support/sign-envelope.ts';
import { leafWith, STRANGER } from '../generate/certificates.ts';
import { digestOf, FORMATS, LEVELS, signature, TRUSTS_CA, world } from '../generate/setup.ts';
import { type Attach, each, kind, type Listing, type Place, values } from '../kind.ts';

const EMPTY = 'application/vnd.oci.empty.v1+json';
const ARTIFACT_MANIFEST = 'application/vnd.oci.artifact.manifest.v1+json';
const good = signature();
const stranger: Attach = signature({ signer: STRANGER.issue() });

/** What a signature manifest says of itself. */
interface Changes {
  readonly artifactType?: string;
  readonly config?: { readonly mediaType: string };
  readonly subject?: string | null;
}

/** Signature manifests that hold no one envelope to fetch. */
const UNFETCHABLE: Readonly<Record<string, Attach>> = {
  'two layers': manifest((layer) => ({ layers: [layer, layer] })),
  'no layer': manifest(() => ({ layers: [] })),
  'blob missing': manifest((layer) => ({ layers: [{ ...layer, digest: digestOf('missing') }] })),
  'blob of another size': manifest((layer) => ({ layers: [{ ...layer, size: layer.size + 1 }] })),
  'manifest missing': (place) =>
    list(place, { mediaType: IMAGE_MANIFEST, digest: parseDigest(digestOf('gone')), size: 700 }),
  'manifest of another size': ({ registry, repository, image }) => {
    const pushed = registry.pushManifest(repository, {
      schemaVersion: 2,
      mediaType: IMAGE_MANIFEST,
      config: image,
      layers: [],
    });
    list({ registry, repository, image }, { ...pushed, size: pushed.size + 1 });
  },
  'manifest of another media type': (place) =>
    list(place, {
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      digest: parseDigest(digestOf('docker')),
      size: 700,
    }),
};

const LISTINGS = {
  pages: 'pages',
  tag: 'tag',
  unfiltered: 'unfiltered',
} as const satisfies Readonly<Record<string, Listing>>;

export const DISCOVERY_KINDS = [
  kind({
    name: 'signature manifest of either form',
    parameters: { format: FORMATS, level: LEVELS, form: each('config', 'artifactType') },
    build: ({ format, level, form }, given) =>
      world(given, { level, signatures: [signature({ format }, { form })] }),
  }),
  kind({
    name: 'image without a signature',
    parameters: { level: LEVELS, by: each('digest', 'tag') },
    build: ({ level, by }, given) =>
      world(given, {
        level,
        fault: 'signatures',
        signatures: [],
        ...(by === 'tag' ? { reference: `${given.scope}:v1` } : {}),
      }),
  }),
  kind({
    name: 'image named by its tag',
    parameters: { format: FORMATS, level: LEVELS },
    build: ({ format, level }, given) =>
      world(given, { level, signature: { format }, reference: `${given.scope}:v1` }),
  }),
  kind({
    name: 'image that does not exist',
    parameters: { name: { digest: `@${digestOf('nothing')}`, tag: ':none' }, level: LEVELS },
    build: ({ name, level }, given) =>
      world(given, { level, fault: 'signatures', reference: given.scope + name }),
  }),
  kind({
    name: 'reference that is none',
    parameters: {
      tail: {
        'no tag': '',
        'a digest too short': '@sha256:abc',
        'an empty tag': ':',
        'an unknown digest': `@md5:${'0'.repeat(32)}`,
      },
    },
    build: ({ tail }, given) =>
      world(given, { fault: 'signatures', reference: given.scope + tail }),
  }),
  kind({
    name: 'bad signatures before a good one',
    parameters: {
      format: FORMATS,
      bad: {
        untrusted: { signer: STRANGER.issue() },
        tampered: { tamper: () => ({ signature: Buffer.alloc(64, 1) }) },
        'of another image': {
          target: { mediaType: IMAGE_MANIFEST, digest: digestOf('other'), size: 5 },
        },
        expired: {
          signingTime: new Date('2020-01-01T00:00:00Z'),
          expiry: new Date('2020-01-02T00:00:00Z'),
        },
      } as const,
      count: { one: 1, three: 3, twenty: 20 },
    },
    build: ({ format, bad, count }, given) => {
      const before = Array.from({ length: count }, () => signature({ format, ...bad }));
      return world(given, { signatures: [...before, good] });
    },
  }),
  kind({
    name: 'envelope that is none before a good one',
    parameters: { envelope: each('empty', 'text', 'JSON', 'the other format'), type: MEDIA_TYPES },
    build: ({ envelope, type }, given) => {
      const bytes = { empty: '', text: 'signature', JSON: '{}', 'the other format': 'x' }[envelope];
      const format = type === MEDIA_TYPES.jws ? 'cose' : 'jws';
      const content =
        envelope === 'the other format'
          ? signEnvelope({ format, signer: leafWith(), target: given.image })
          : Buffer.from(bytes);
      const broken: Attach = ({ registry, repository, image }) => {
        registry.attachSignature(repository, image, content, type);
      };
      return world(given, { signatures: [broken, good] });
    },
  }),
  kind({
    name: 'envelope that is none, alone',
    parameters: {
      type: each('application/jose+json', 'application/cose', 'application/json', 'text/plain'),
      level: LEVELS,
    },
    build: ({ type, level }, given) =>
      world(given, {
        level,
        fault: 'integrity',
        signatures: [
          ({ registry, repository, image }) => {
            registry.attachSignature(repository, image, Buffer.from('no envelope'), type);
          },
        ],
      }),
  }),
  kind({
    name: 'bad signatures alone',
    parameters: {
      format: FORMATS,
      level: { strict: 'strict', permissive: 'permissive' },
      count: { one: 1, two: 2, ten: 10 },
    },
    build: ({ format, level, count }, given) => {
      const signatures = Array.from({ length: count }, () =>
        signature({ format, signer: STRANGER.issue() }),
      );
      return world(given, { level, fault: 'authenticity', signatures, stores: TRUSTS_CA });
    },
  }),
  kind({
    name: 'good signature before others',
    parameters: {
      format: FORMATS,
      others: {
        untrusted: [stranger],
        ...Object.fromEntries(
          Object.entries(UNFETCHABLE).map(([name, attach]) => [name, [attach]]),
        ),
      },
    },
    build: ({ format, others }, given) =>
      world(given, { signatures: [signature({ format }), ...others] }),
  }),
  kind({
    name: 'unusable signature before a good one',
    parameters: { format: FORMATS, bad: UNFETCHABLE },
    build: ({ format, bad }, given) => world(given, { signatures: [bad, signature({ format })] }),
  }),
  kind({
    name: 'unusable signature alone',
    parameters: { bad: UNFETCHABLE, level: LEVELS },
    build: ({ bad, level }, given) =>
      world(given, { level, fault: 'signatures', signatures: [bad] }),
  }),
  kind({
    name: 'signature manifest that says of itself that it is something else',
    parameters: {
      format: FORMATS,
      manifest: values<Changes>({
        'config of another type': {
          config: { mediaType: 'application/vnd.oci.image.config.v1+json' },
        },
        'another artifact type': {
          artifactType: 'application/vnd.example',
          config: { mediaType: EMPTY },
        },
        'subject of another digest': { subject: digestOf('another') },
        'no subject': { subject: null },
      }),
    },
    build: ({ format, manifest: changes }, given) => {
      const { config, subject, ...members } = changes;
      const attach = manifest((layer, place) => {
        const { registry, repository, image } = place;
        return {
          ...members,
          layers: [layer],
          ...(config === undefined
            ? {}
            : { config: registry.pushBlob(repository, Buffer.from('{}'), config.mediaType) }),
          ...(subject === undefined
            ? {}
            : { subject: subject === null ? undefined : { ...image, digest: subject } }),
        };
      }, format);
      return world(given, { fault: 'signatures', signatures: [attach] });
    },
  }),
  kind({
    name: 'referrer of another artifact type',
    parameters: {
      format: FORMATS,
      type: each(
        'application/vnd.example',
        `${SIGNATURE_TYPE}.dm-verity`,
        'application/vnd.cncf.notary',
      ),
    },
    build: ({ format, type }, given) => {
      const signatures = [manifest((layer) => ({ layers: [layer] }), format, type)];
      return world(given, { fault: 'signatures', signatures });
    },
  }),
  kind({
    name: 'signature in the form of an artifact manifest',
    parameters: { format: FORMATS, level: LEVELS },
    build: ({ format, level }, given) => {
      const attach: Attach = (place) => {
        const { registry, repository, image } = place;
        const blob = registry.pushBlob(
          repository,
          signEnvelope({ format, signer: leafWith(), target: image }),
          MEDIA_TYPES[format],
        );
        const document = {
          mediaType: ARTIFACT_MANIFEST,
          artifactType: SIGNATURE_TYPE,
          blobs: [blob],
          subject: image,
        };
        list(place, registry.pushManifest(repository, document, { mediaType: ARTIFACT_MANIFEST }));
      };
      return world(given, { level, signatures: [attach] });
    },
  }),
  ...Object.entries(LISTINGS).map(([name, listing]) =>
    kind({
      name: `signatures listed otherwise: ${name}`,
      listing,
      parameters: {
        format: FORMATS,
        level: LEVELS,
        place: each('alone', 'after five strangers', 'nowhere'),
      },
      build: ({ format, level, place }, given) => {
        const strangers = Array.from({ length: 5 }, () =>
          signature({ format, signer: STRANGER.issue() }),
        );
        const signatures = {
          alone: [signature({ format })],
          'after five strangers': [...strangers, signature({ format })],
          nowhere: [],
        }[place];
        // What is only logged of a stranger is enough at the level audit.
        const isStranger = level === 'audit' && place === 'after five strangers';
        const fault = place === 'nowhere' ? 'signatures' : isStranger ? 'authenticity' : 'nothing';
        return world(given, { level, fault, signatures, stores: TRUSTS_CA });
      },
    }),
  ),
  kind({
    name: 'good signature among a hundred',
    parameters: { place: { 'the hundredth': 99 } },
    build: ({ place }, given) => {
      const strangers = Array.from({ length: place }, () => stranger);
      return world(given, { signatures: [...strangers, good], stores: TRUSTS_CA });
    },
  }),
  kind({
    name: 'good signature after a hundred others',
    parameters: { place: { 'the hundred and first': 100 } },
    build: ({ place }, given) => {
      const signatures = [
        ...Array.from({ length: place }, (_, number) =>
          signature({ signer: STRANGER.issue(), signingAgent: String(number) }),
        ),
        good,
      ];
      return world(given, { fault: 'signatures', signatures, stores: TRUSTS_CA });
    },
  }),
];

/** A signature manifest around a good envelope, with members as `edit` says. */
function manifest(
  edit: (layer: Descriptor, place: Place) => object,
  format: 'jws' | 'cose' = 'jws',
  artifactType = SIGNATURE_TYPE,
): Attach {
  return (place) => {
    const { registry, repository, image } = place;
    const envelope = signEnvelope({ format, signer: leafWith(), target: image });
    const layer = registry.pushBlob(repository, envelope, MEDIA_TYPES[format]);
    const config = registry.pushBlob(repository, Buffer.from('{}'), artifactType);
    const document = {
      schemaVersion: 2,
      mediaType: IMAGE_MANIFEST,
      config,
      subject: image,
      ...edit(layer, place),
    };
    list(place, registry.pushManifest(repository, document), artifactType);
  };
}

function list(
  { registry, repository, image }: Place,
  found: Descriptor,
  artifactType = SIGNATURE_TYPE,
): void {
  registry.addReferrer(repository, image.digest, { ...found, artifactType });
}
