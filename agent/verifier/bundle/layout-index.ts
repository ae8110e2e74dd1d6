// index.json of a bundle: what of the OCI image layout specification is used, and how signatures are found in it.
import { AgentError } from '../../errors.ts';
import { parseStrictJson } from '../../notation/encoding/json.ts';
import { parseRfc3339 } from '../../notation/encoding/rfc3339.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { isJsonObject } from '../../oci/json-object.ts';
import { type Manifest, parseManifest } from '../../oci/manifest.ts';
import { OCI_INDEX } from '../../oci/media-types.ts';

/** OCI image specification, annotations.md. */
export const CREATED = 'org.opencontainers.image.created';
export const REF_NAME = 'org.opencontainers.image.ref.name';

export const LAYOUT_FILE = 'oci-layout';
export const INDEX_FILE = 'index.json';
/** Above 10,000 entries; as much as a registry may answer at once. */
export const MAX_INDEX_BYTES = 4 * 1024 * 1024;
/** Real ones nest less than half of it. */
const MAX_DEPTH = 16;

/** What a layout says of itself. */
export interface LayoutIndex {
  /** When the bundle was made, by its own word; null when it does not say. */
  readonly created: Date | null;
  readonly entries: readonly Descriptor[];
}

/** Throws `bundle_invalid` unless the bytes are those of `oci-layout`, version 1. */
export function assertLayout(bytes: Uint8Array, what: string): void {
  const value = parseStrictJson(bytes, { what, code: 'bundle_invalid', maxBytes: 1024 });
  if (isJsonObject(value) && value['imageLayoutVersion'] === '1.0.0') return;
  throw new AgentError('bundle_invalid', `${what}: expected imageLayoutVersion 1.0.0`);
}

/** Narrows the bytes of `index.json`. Throws `bundle_invalid` and `manifest_invalid`. */
export function parseLayoutIndex(bytes: Uint8Array, what: string): LayoutIndex {
  const value = parseJson(bytes, 'bundle_invalid', what);
  const index = parseManifest(value, OCI_INDEX, what);
  return {
    created: createdOf(value, what),
    entries: index.kind === 'index' ? index.manifests : [],
  };
}

/** Narrows the bytes of a manifest or index in the layout. Throws the codes of `parseManifest`. */
export function parseLayoutManifest(bytes: Uint8Array, mediaType: string, what: string): Manifest {
  return parseManifest(parseJson(bytes, 'manifest_invalid', what), mediaType, what);
}

/** By the tag that stands in for the referrers API, which other tools write into layouts, too. */
export function referrersEntry(index: LayoutIndex, image: Digest): Descriptor | undefined {
  const tag = image.replace(':', '-');
  return index.entries.find(
    ({ mediaType, annotations }) => mediaType === OCI_INDEX && annotations?.[REF_NAME] === tag,
  );
}

/** The image that a name, or a digest, stood for when the bundle was made. */
export function imageEntry(
  index: LayoutIndex,
  { name, digest }: { readonly name: string; readonly digest?: Digest },
): Descriptor | undefined {
  const found = index.entries.find((entry) =>
    digest === undefined ? entry.annotations?.[REF_NAME] === name : entry.digest === digest,
  );
  if (found === undefined) return undefined;
  const { mediaType, size } = found;
  return { mediaType, size, digest: found.digest };
}

function parseJson(bytes: Uint8Array, code: 'bundle_invalid' | 'manifest_invalid', what: string) {
  return parseStrictJson(bytes, { what, code, maxBytes: MAX_INDEX_BYTES, maxDepth: MAX_DEPTH });
}

function createdOf(value: unknown, what: string): Date | null {
  const annotations = isJsonObject(value) ? value['annotations'] : undefined;
  const text = isJsonObject(annotations) ? annotations[CREATED] : undefined;
  if (text === undefined) return null;
  const place = `${what}: ${CREATED}`;
  if (typeof text === 'string') return parseRfc3339(text, { what: place, code: 'bundle_invalid' });
  throw new AgentError('bundle_invalid', `${place}: expected a string`);
}
