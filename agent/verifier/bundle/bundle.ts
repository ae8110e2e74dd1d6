// A bundle that was carried in: an OCI image layout with signatures of images, CRLs and OCSP
// responses. Hostile until parsed.
import { AgentError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { type Reference, repositoryOf } from '../../oci/reference.ts';
import type { RegistryClient } from '../registry/client.ts';
import { DEFAULT_LIMITS } from '../registry/limits.ts';
import type { Referrers } from '../registry/referrers.ts';
import {
  CRLS,
  evidenceEntry,
  type EvidenceKind,
  evidenceLayer,
  OCSP_RESPONSES,
} from './evidence-kind.ts';
import { LayoutFiles } from './layout-files.ts';
import {
  assertLayout,
  imageEntry,
  INDEX_FILE,
  LAYOUT_FILE,
  type LayoutIndex,
  MAX_INDEX_BYTES,
  parseLayoutIndex,
  parseLayoutManifest,
  referrersEntry,
} from './layout-index.ts';
import { isoTime } from '../../utc.ts';

/** As many signatures of one image as are taken from a registry. */
const MAX_SIGNATURES = DEFAULT_LIMITS.referrers;
/** `{"imageLayoutVersion":"1.0.0"}`, with room for spaces. */
const MAX_LAYOUT_FILE_BYTES = 1024;

/**
 * Reads a bundle anew whenever its index is another file. Nothing in it is believed: signatures
 * and evidence are verified as any, and images are known by their digests alone, so that the signatures of an
 * image are found under whatever name the image is pulled. Its methods throw `bundle_invalid`,
 * `manifest_invalid`, `descriptor_invalid`, `digest_invalid`, `content_too_large` or
 * `content_mismatch`.
 */
export class Bundle {
  readonly #files: LayoutFiles;
  #known: { readonly version: string; readonly index: LayoutIndex } | undefined;

  /** Nothing is read yet. */
  constructor(directory: string) {
    this.#files = new LayoutFiles(directory);
  }

  /** Fetches as a registry client does, but from here. */
  readonly content: Pick<RegistryClient, 'fetchManifest' | 'fetchBlob'> = {
    fetchManifest: (_, descriptor) =>
      this.#files.readBlob(descriptor, DEFAULT_LIMITS.manifestBytes),
    fetchBlob: (_, descriptor, maxBytes) => this.#files.readBlob(descriptor, maxBytes),
  };

  /** When it was made, by its own word; null when it does not say. */
  async created(): Promise<Date | null> {
    return (await this.#index()).created;
  }

  /** The same, of what was read last; null when nothing was. */
  get lastCreated(): Date | null {
    return this.#known?.index.created ?? null;
  }

  /** What refers to an image and has the artifact type; none found is an empty list. */
  async list(image: Digest, artifactType: string): Promise<Referrers> {
    const entry = referrersEntry(await this.#index(), image);
    const manifest = entry && (await this.#manifest(entry));
    const listed = manifest?.kind === 'index' ? manifest.manifests : [];
    const typed = listed.filter((one) => one.artifactType === artifactType);
    return {
      descriptors: typed.slice(0, MAX_SIGNATURES),
      truncated: typed.length > MAX_SIGNATURES,
      source: 'bundle',
    };
  }

  /** What a tag or digest named when the bundle was made. */
  async resolve(reference: Reference): Promise<Descriptor | undefined> {
    const { tag, digest } = reference;
    const name = `${repositoryOf(reference)}:${tag ?? ''}`;
    return imageEntry(await this.#index(), digest === undefined ? { name } : { name, digest });
  }

  /** The CRL that is published at an address. */
  crl(address: string): Promise<Uint8Array | undefined> {
    return this.#evidence(CRLS, address);
  }

  /** The OCSP response on a certificate, by its `certIdLabel`. */
  ocsp(certId: string): Promise<Uint8Array | undefined> {
    return this.#evidence(OCSP_RESPONSES, certId);
  }

  async #evidence(kind: EvidenceKind, subject: string): Promise<Uint8Array | undefined> {
    const entry = evidenceEntry(await this.#index(), kind);
    const layer = entry && evidenceLayer(await this.#manifest(entry), kind, subject);
    return layer && this.#files.readBlob(layer, kind.maxBytes);
  }

  async #manifest(descriptor: Descriptor) {
    const bytes = await this.#files.readBlob(descriptor, DEFAULT_LIMITS.manifestBytes);
    const what = `${this.#files.name}: ${descriptor.digest}`;
    return parseLayoutManifest(bytes, descriptor.mediaType, what);
  }

  async #index(): Promise<LayoutIndex> {
    const file = await this.#files.read(INDEX_FILE, MAX_INDEX_BYTES, this.#known?.version);
    if (file === null && this.#known !== undefined) return this.#known.index;
    const layout = await this.#files.read(LAYOUT_FILE, MAX_LAYOUT_FILE_BYTES);
    if (file === null || layout === null) throw new TypeError('a file was read and is not there');
    assertLayout(layout.bytes, `${this.#files.name}: ${LAYOUT_FILE}`);
    const index = parseLayoutIndex(file.bytes, `${this.#files.name}: ${INDEX_FILE}`);
    this.#known = { version: file.version, index };
    return index;
  }
}

/** One sentence about how old a bundle is. `subject` begins it. */
export async function describeAge(bundle: Bundle, subject: string, now: Date): Promise<string> {
  const created = await bundle.created();
  if (created === null) return `${subject} a bundle that does not say how old it is`;
  const hours = Math.floor((now.getTime() - created.getTime()) / HOUR_MS);
  const age = hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`;
  const told = hours < 0 ? 'which is yet to come' : `${age} old`;
  return `${subject} a bundle of ${isoTime(created)}, ${told}`;
}

const HOUR_MS = 3600 * 1000;

/** Wraps what a bundle is asked for, where a bundle that cannot be read is as good as none. */
export async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}
