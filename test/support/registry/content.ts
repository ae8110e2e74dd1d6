// What the test registry holds: repositories of blobs, manifests and referrers.
import { createHash } from 'node:crypto';
import type { Descriptor } from '../../../agent/oci/descriptor.ts';
import { type Digest, parseDigest } from '../../../agent/oci/digest.ts';

export const IMAGE_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const IMAGE_INDEX = 'application/vnd.oci.image.index.v1+json';
export const SIGNATURE_TYPE = 'application/vnd.cncf.notary.signature';
const EMPTY_CONFIG = 'application/vnd.oci.empty.v1+json';

export interface Stored {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
}

interface Repository {
  readonly blobs: Map<string, Stored>;
  /** By digest and by tag. */
  readonly manifests: Map<string, Stored>;
  readonly referrers: Map<string, readonly Descriptor[]>;
}

export interface AttachOptions {
  /** How the manifest says what it is: notation 2 writes `artifactType`, 1.3 `config`. Default `config`. */
  readonly form?: 'artifactType' | 'config';
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The content of a registry, and the ways to put more into it. */
export class RegistryContent {
  readonly repositories = new Map<string, Repository>();
  readonly #tagSchema: boolean;

  /** With `tagSchema`, every attached signature is also listed under `sha256-<hex>`. */
  constructor(tagSchema: boolean) {
    this.#tagSchema = tagSchema;
  }

  pushBlob(
    repository: string,
    bytes: Uint8Array,
    mediaType = 'application/octet-stream',
  ): Descriptor {
    const descriptor = describeBytes(bytes, mediaType);
    this.#repository(repository).blobs.set(descriptor.digest, { bytes, mediaType });
    return descriptor;
  }

  /** Stores a manifest (an object is encoded as JSON) under its digest, and under `tag` if given. */
  pushManifest(
    repository: string,
    manifest: object,
    { mediaType = IMAGE_MANIFEST, tag }: { mediaType?: string; tag?: string } = {},
  ): Descriptor {
    const bytes =
      manifest instanceof Uint8Array ? manifest : Buffer.from(JSON.stringify(manifest), 'utf8');
    const descriptor = describeBytes(bytes, mediaType);
    const { manifests } = this.#repository(repository);
    manifests.set(descriptor.digest, { bytes, mediaType });
    if (tag !== undefined) manifests.set(tag, { bytes, mediaType });
    return descriptor;
  }

  /** Stores a small image, different for every `content`: manifest, config and one layer. */
  pushImage(repository: string, tag = 'latest', content = 'hello'): Descriptor {
    const config = this.pushBlob(
      repository,
      Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', comment: content })),
      'application/vnd.oci.image.config.v1+json',
    );
    const layer = this.pushBlob(
      repository,
      Buffer.from(content),
      'application/vnd.oci.image.layer.v1.tar',
    );
    return this.pushManifest(
      repository,
      { schemaVersion: 2, mediaType: IMAGE_MANIFEST, config, layers: [layer] },
      { tag },
    );
  }

  /** Stores an envelope and its signature manifest so that `subject` has it as a referrer. */
  attachSignature(
    repository: string,
    subject: Descriptor,
    envelope: Uint8Array,
    mediaType: string,
    { form = 'config', annotations = {} }: AttachOptions = {},
  ): Descriptor {
    const configType = form === 'config' ? SIGNATURE_TYPE : EMPTY_CONFIG;
    const manifest = this.pushManifest(repository, {
      schemaVersion: 2,
      mediaType: IMAGE_MANIFEST,
      ...(form === 'artifactType' ? { artifactType: SIGNATURE_TYPE } : {}),
      config: this.pushBlob(repository, Buffer.from('{}'), configType),
      layers: [this.pushBlob(repository, envelope, mediaType)],
      subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
      annotations,
    });
    const referrer = { ...manifest, artifactType: SIGNATURE_TYPE, annotations };
    this.addReferrer(repository, subject.digest, referrer);
    return referrer;
  }

  /** Lists a descriptor as a referrer of `subject`, whether or not such a manifest exists. */
  addReferrer(repository: string, subject: Digest, referrer: Descriptor): void {
    const { referrers } = this.#repository(repository);
    const all = [...(referrers.get(subject) ?? []), referrer];
    referrers.set(subject, all);
    if (!this.#tagSchema) return;
    const [algorithm = '', hex = ''] = subject.split(':');
    const tag = `${algorithm}-${hex.slice(0, 64)}`;
    this.pushManifest(repository, imageIndex(all), { mediaType: IMAGE_INDEX, tag });
  }

  #repository(name: string): Repository {
    const existing = this.repositories.get(name);
    if (existing !== undefined) return existing;
    const created = { blobs: new Map(), manifests: new Map(), referrers: new Map() };
    this.repositories.set(name, created);
    return created;
  }
}

/** The descriptor of bytes, by SHA-256. */
export function describeBytes(bytes: Uint8Array, mediaType: string): Descriptor {
  const digest = parseDigest(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
  return { mediaType, digest, size: bytes.length };
}

/** An image index of the descriptors. */
export function imageIndex(manifests: readonly Descriptor[]): object {
  return { schemaVersion: 2, mediaType: IMAGE_INDEX, manifests };
}
