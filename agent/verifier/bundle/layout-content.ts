// What content a layout names: what its readers may be at, and what may go.
import { AgentError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Digest } from '../../oci/digest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../oci/media-types.ts';
import { DEFAULT_LIMITS } from '../registry/limits.ts';
import type { LayoutFiles } from './layout-files.ts';
import {
  INDEX_FILE,
  MAX_INDEX_BYTES,
  parseLayoutIndex,
  parseLayoutManifest,
} from './layout-index.ts';

/** The index, lists of signatures, signatures, envelopes. */
const MAX_DEPTH = 4;

/** Every digest that the index names, or what it names. What cannot be read names nothing. */
export async function contentOf(files: LayoutFiles): Promise<ReadonlySet<Digest>> {
  const found = new Set<Digest>();
  try {
    const index = await files.read(INDEX_FILE, MAX_INDEX_BYTES);
    const { entries } = parseLayoutIndex(index?.bytes ?? new Uint8Array(), INDEX_FILE);
    await addAll(entries, found, files, 1);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
  }
  return found;
}

async function addAll(
  descriptors: readonly Descriptor[],
  found: Set<Digest>,
  files: LayoutFiles,
  depth: number,
): Promise<void> {
  for (const descriptor of descriptors) {
    if (found.has(descriptor.digest)) continue;
    found.add(descriptor.digest);
    if (depth < MAX_DEPTH) await addAll(await namedBy(descriptor, files), found, files, depth + 1);
  }
}

/** Images are named, and not in a bundle. */
async function namedBy(descriptor: Descriptor, files: LayoutFiles): Promise<readonly Descriptor[]> {
  const { mediaType, digest } = descriptor;
  if (mediaType !== OCI_INDEX && mediaType !== OCI_MANIFEST) return [];
  try {
    const bytes = await files.readBlob(descriptor, DEFAULT_LIMITS.manifestBytes);
    const manifest = parseLayoutManifest(bytes, mediaType, digest);
    switch (manifest.kind) {
      case 'index':
        return manifest.manifests;
      case 'image':
        return [manifest.config, ...manifest.layers];
      case 'artifact':
        return manifest.blobs;
    }
  } catch (error) {
    if (error instanceof AgentError) return [];
    throw error;
  }
}
