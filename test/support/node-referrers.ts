// Signatures on a test node's registry that `notation sign` would not make: copied, and tampered with.
import type { PushedImage, Registry } from './node-images.ts';
import { pushBytes } from './registry-push.ts';
import { sign, type SignOptions } from './node-signatures.ts';

/** A signature as it stands in the registry. */
export interface StoredSignature {
  readonly manifest: Record<string, unknown>;
  readonly envelope: Uint8Array;
  readonly envelopeType: string;
}

/** The tag under which registries without the referrers API list what refers to an image. */
function referrersTag(image: PushedImage): string {
  return image.digest.replace(':', '-');
}

/** Signs an image in another repository, and returns the signature: the image itself stays unsigned. */
export async function borrowSignature(
  registry: Registry,
  image: PushedImage,
  options: SignOptions,
): Promise<StoredSignature> {
  const donor = { ...image, repository: `${image.repository}-donor` };
  await registry.node.output([
    'crane',
    'copy',
    '--insecure',
    image.pinned,
    `${donor.repository}:x`,
  ]);
  await sign(registry, `${donor.repository}@${image.digest}`, options);
  const base = baseOf(registry, donor);
  const index = (await json(`${base}/manifests/${referrersTag(image)}`)) as {
    manifests: [{ digest: string }];
  };
  const manifest = (await json(`${base}/manifests/${index.manifests[0].digest}`)) as {
    layers: [{ digest: string; mediaType: string }];
  };
  const [layer] = manifest.layers;
  const response = await fetch(`${base}/blobs/${layer.digest}`);
  return {
    manifest,
    envelope: new Uint8Array(await response.arrayBuffer()),
    envelopeType: layer.mediaType,
  };
}

/** Stores a signature as the only one of `image`, whatever it was made for. */
export async function attachSignature(
  registry: Registry,
  image: PushedImage,
  signature: StoredSignature,
): Promise<void> {
  const base = baseOf(registry, image);
  const envelope = await pushBytes(base, 'blobs', signature.envelope, signature.envelopeType);
  await pushBytes(base, 'blobs', new TextEncoder().encode('{}'), 'application/json');
  const manifest = {
    ...signature.manifest,
    layers: [envelope],
    subject: await describe(base, image),
  };
  const pushed = await pushJson(base, manifest, String(signature.manifest['mediaType']));
  const index = {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: [{ ...pushed, artifactType: SIGNATURE }],
  };
  await pushJson(base, index, INDEX, referrersTag(image));
}

/** Stores an envelope as the only signature of `image`, in a manifest as `notation` makes one. */
export async function attachEnvelope(
  registry: Registry,
  image: PushedImage,
  envelope: Uint8Array,
  envelopeType: string,
): Promise<void> {
  const config = await pushBytes(baseOf(registry, image), 'blobs', Buffer.from('{}'), SIGNATURE);
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config };
  await attachSignature(registry, image, { manifest, envelope, envelopeType });
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const INDEX = 'application/vnd.oci.image.index.v1+json';
const SIGNATURE = 'application/vnd.cncf.notary.signature';

function pushJson(base: string, value: unknown, mediaType: string, tag?: string) {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  return pushBytes(base, 'manifests', bytes, mediaType, tag);
}

function baseOf(registry: Registry, { repository }: PushedImage): string {
  return `http://${registry.host}/v2/${repository.slice(repository.indexOf('/') + 1)}`;
}

async function describe(base: string, { digest }: PushedImage) {
  const response = await fetch(`${base}/manifests/${digest}`);
  const { byteLength: size } = await response.arrayBuffer();
  return { mediaType: response.headers.get('content-type'), digest, size };
}

async function json(url: string): Promise<unknown> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: expected 200, found ${response.status}`);
  return response.json();
}
