// Manifests and indexes: OCI image specification, manifest.md and image-index.md, and Docker's twins.
import { AgentError } from '../errors.ts';
import { type Descriptor, parseDescriptor } from './descriptor.ts';
import { isJsonObject, type JsonObject } from './json-object.ts';
import {
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  isManifestMediaType,
  OCI_ARTIFACT_MANIFEST,
  OCI_INDEX,
  OCI_MANIFEST,
} from './media-types.ts';
import { show } from './show.ts';

/** Names a configuration and layers; also the form in which signatures are stored. */
export interface ImageManifest {
  readonly kind: 'image';
  readonly mediaType: typeof OCI_MANIFEST | typeof DOCKER_MANIFEST;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly artifactType?: string;
  readonly subject?: Descriptor;
}

/** The withdrawn form of an artifact: no configuration, and blobs instead of layers. */
export interface ArtifactManifest {
  readonly kind: 'artifact';
  readonly mediaType: typeof OCI_ARTIFACT_MANIFEST;
  readonly artifactType: string;
  readonly blobs: readonly Descriptor[];
  readonly subject?: Descriptor;
}

/** Names other manifests; also the form in which referrers are listed. */
export interface Index {
  readonly kind: 'index';
  readonly mediaType: typeof OCI_INDEX | typeof DOCKER_INDEX;
  readonly manifests: readonly Descriptor[];
  /** How many entries were left out because they are not descriptors. */
  readonly malformed: number;
}

export type Manifest = ImageManifest | ArtifactManifest | Index;

/** Runtimes stop at 127 layers; artifacts may hold more, but none of interest here does. */
export const MAX_LAYERS = 1000;
/** A page of referrers is at most 4 MiB, which holds no more than this of real descriptors. */
export const MAX_INDEX_ENTRIES = 20_000;

/**
 * Narrows decoded JSON to the manifest that `mediaType` (from the descriptor or the response that
 * it came by) says it is. Throws `manifest_invalid`, or the codes of `parseDescriptor`, naming
 * `what`. A `mediaType` member, where present, is the same; a document that could be read both as a
 * manifest and as an index is refused, because two readers would see two artifacts in one digest.
 * Digest and size of the bytes are for the caller to check.
 */
export function parseManifest(value: unknown, mediaType: string, what: string): Manifest {
  if (!isManifestMediaType(mediaType)) {
    throw invalid(what, 'the media type of a manifest or index', mediaType);
  }
  if (!isJsonObject(value)) throw invalid(what, 'an object', value);
  if (value['mediaType'] !== undefined && value['mediaType'] !== mediaType) {
    throw invalid(`${what}.mediaType`, show(mediaType), value['mediaType']);
  }
  switch (mediaType) {
    case OCI_MANIFEST:
    case DOCKER_MANIFEST:
      return parseImageManifest(value, mediaType, what);
    case OCI_ARTIFACT_MANIFEST:
      return parseArtifactManifest(value, mediaType, what);
    case OCI_INDEX:
    case DOCKER_INDEX:
      return parseIndex(value, mediaType, what);
  }
}

function parseImageManifest(
  value: JsonObject,
  mediaType: ImageManifest['mediaType'],
  what: string,
): ImageManifest {
  assertVersion(value, what);
  assertAbsent(value, ['manifests', 'blobs'], what);
  return {
    kind: 'image',
    mediaType,
    config: parseDescriptor(value['config'], `${what}.config`),
    layers: parseDescriptors(value['layers'], `${what}.layers`),
    ...parseArtifactType(value, what),
    ...parseSubject(value, what),
  };
}

function parseArtifactManifest(
  value: JsonObject,
  mediaType: typeof OCI_ARTIFACT_MANIFEST,
  what: string,
): ArtifactManifest {
  assertAbsent(value, ['manifests', 'layers', 'config'], what);
  const { artifactType } = parseArtifactType(value, what);
  if (artifactType === undefined) {
    throw invalid(`${what}.artifactType`, 'a non-empty string', value['artifactType']);
  }
  return {
    kind: 'artifact',
    mediaType,
    artifactType,
    blobs: parseDescriptors(value['blobs'] ?? [], `${what}.blobs`),
    ...parseSubject(value, what),
  };
}

/**
 * Entries that are not descriptors are counted and left out: whoever may add one referrer must not
 * be able to hide all the others behind it.
 */
function parseIndex(value: JsonObject, mediaType: Index['mediaType'], what: string): Index {
  assertVersion(value, what);
  assertAbsent(value, ['config', 'layers', 'blobs'], what);
  const entries = parseList(value['manifests'], MAX_INDEX_ENTRIES, `${what}.manifests`);
  const manifests: Descriptor[] = [];
  for (const [index, entry] of entries.entries()) {
    try {
      manifests.push(parseDescriptor(entry, `${what}.manifests[${index}]`));
    } catch (error) {
      // Counted below, as the difference.
      if (!(error instanceof AgentError)) throw error;
    }
  }
  return { kind: 'index', mediaType, manifests, malformed: entries.length - manifests.length };
}

function assertVersion(value: JsonObject, what: string): void {
  if (value['schemaVersion'] !== 2) {
    throw invalid(`${what}.schemaVersion`, '2', value['schemaVersion']);
  }
}

function assertAbsent(value: JsonObject, members: readonly string[], what: string): void {
  for (const member of members) {
    if (value[member] === undefined) continue;
    throw invalid(`${what}.${member}`, 'no such member in this media type', value[member]);
  }
}

function parseArtifactType(value: JsonObject, what: string): { readonly artifactType?: string } {
  const { artifactType } = value;
  // Go writers leave out the empty string; the two mean the same.
  if (artifactType === undefined || artifactType === '') return {};
  if (typeof artifactType !== 'string') {
    throw invalid(`${what}.artifactType`, 'a string', artifactType);
  }
  return { artifactType };
}

function parseSubject(value: JsonObject, what: string): { readonly subject?: Descriptor } {
  const { subject } = value;
  if (subject === undefined || subject === null) return {};
  return { subject: parseDescriptor(subject, `${what}.subject`) };
}

function parseDescriptors(value: unknown, what: string): readonly Descriptor[] {
  return parseList(value, MAX_LAYERS, what).map((entry, index) =>
    parseDescriptor(entry, `${what}[${index}]`),
  );
}

function parseList(value: unknown, maxEntries: number, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(what, 'an array', value);
  if (value.length > maxEntries) throw invalid(what, `at most ${maxEntries} entries`, value);
  return value;
}

function invalid(what: string, expected: string, found: unknown): AgentError {
  return new AgentError('manifest_invalid', `${what}: expected ${expected}, found ${show(found)}`);
}
