// What the canary's registry serves: two tiny images, one with a signature, as resources of the OCI distribution API.
import { hashHex } from '../notation/encoding/crypto.ts';
import { SIGNATURE_ARTIFACT_TYPE } from '../notation/signature/manifest.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Digest, parseDigest } from '../oci/digest.ts';
import { OCI_EMPTY, OCI_INDEX, OCI_MANIFEST } from '../oci/media-types.ts';
import { ENVELOPE_MEDIA_TYPE } from './canary-signer.ts';

/** Which of the two. */
export const CANARY_KINDS = ['signed', 'unsigned'] as const;
export type CanaryKind = (typeof CANARY_KINDS)[number];

/** One image of a run. */
export interface CanaryImage {
  /** The repository's path in the registry. */
  readonly path: string;
  /** Of the manifest: what is pulled. */
  readonly descriptor: Descriptor;
  /** Of the configuration: what CRI calls the image. */
  readonly configDigest: Digest;
}

/** What one path of the registry answers. */
export interface Resource {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly bytes: Buffer;
}

/** Everything of one run. */
export interface CanaryContent {
  readonly images: Readonly<Record<CanaryKind, CanaryImage>>;
  /** By path, `/v2/…`. */
  readonly resources: ReadonlyMap<string, Resource>;
}

export interface CanaryContentOptions {
  /** Lower-case hexadecimal; makes names and content those of this run alone. */
  readonly nonce: string;
  /** As Go names it: containerd pulls nothing of another one. */
  readonly architecture: string;
  /** Gives the envelope of an image's signature. */
  readonly sign: (image: Descriptor) => Buffer;
}

/** The folder that the repositories of all canaries are in. */
export const CANARY_FOLDER = 'nodeseal-canary';

const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';
/** Two blocks of zeros end an archive, and this one has nothing before its end. */
const EMPTY_TAR = Buffer.alloc(1024);

/** Makes the images and the one signature. Pure but for `sign`. */
export function createCanaryContent(options: CanaryContentOptions): CanaryContent {
  const resources = new Map<string, Resource>();
  const signed = addImage(resources, 'signed', options);
  const unsigned = addImage(resources, 'unsigned', options);
  addSignature(resources, signed, options.sign(signed.descriptor));
  return { images: { signed, unsigned }, resources };
}

function addImage(
  resources: Map<string, Resource>,
  kind: CanaryKind,
  { nonce, architecture }: CanaryContentOptions,
): CanaryImage {
  const path = `${CANARY_FOLDER}/${nonce}-${kind}`;
  // What follows the end of an archive is nobody's, but part of the digest: no other image has this layer.
  const layer = addBlob(resources, path, OCI_LAYER, Buffer.concat([EMPTY_TAR, Buffer.from(path)]));
  const config = addBlob(
    resources,
    path,
    OCI_CONFIG,
    json({
      architecture,
      os: 'linux',
      config: { Labels: { 'io.nodeseal.canary': path } },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    }),
  );
  const descriptor = addManifest(resources, path, { config, layers: [layer] });
  return { path, descriptor, configDigest: config.digest };
}

/** By the referrers API and by the tag that stands in for it, so that neither is ever the reason for a refusal. */
function addSignature(resources: Map<string, Resource>, image: CanaryImage, envelope: Buffer) {
  const { path, descriptor: subject } = image;
  const manifest = addManifest(resources, path, {
    artifactType: SIGNATURE_ARTIFACT_TYPE,
    config: addBlob(resources, path, OCI_EMPTY, Buffer.from('{}')),
    layers: [addBlob(resources, path, ENVELOPE_MEDIA_TYPE, envelope)],
    subject,
  });
  const listed = { ...manifest, artifactType: SIGNATURE_ARTIFACT_TYPE };
  const index = resourceOf(
    OCI_INDEX,
    json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [listed] }),
  );
  resources.set(`/v2/${path}/referrers/${subject.digest}`, index);
  resources.set(`/v2/${path}/manifests/${subject.digest.replace(':', '-')}`, index);
}

function addManifest(resources: Map<string, Resource>, path: string, members: object): Descriptor {
  const bytes = json({ schemaVersion: 2, mediaType: OCI_MANIFEST, ...members });
  const resource = resourceOf(OCI_MANIFEST, bytes);
  resources.set(`/v2/${path}/manifests/${resource.digest}`, resource);
  return descriptorOf(resource);
}

function addBlob(
  resources: Map<string, Resource>,
  path: string,
  mediaType: string,
  bytes: Buffer,
): Descriptor {
  const resource = resourceOf(mediaType, bytes);
  resources.set(`/v2/${path}/blobs/${resource.digest}`, resource);
  return descriptorOf(resource);
}

function resourceOf(mediaType: string, bytes: Buffer): Resource {
  const digest = parseDigest(`sha256:${hashHex('sha256', bytes)}`, 'digest of the canary');
  return { mediaType, digest, bytes };
}

function descriptorOf({ mediaType, digest, bytes }: Resource): Descriptor {
  return { mediaType, digest, size: bytes.length };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
