// What may be wrong with a bundle that lies on a node: damaged on the way, or carried in long ago.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OCSP_RESPONSES } from '../../agent/verifier/bundle/evidence-kind.ts';

interface Entry {
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
}
interface Layers {
  readonly layers: readonly Entry[];
}
interface Index {
  readonly manifests: readonly Entry[];
  readonly annotations: object;
}

/** Changes the last byte of a file. */
export async function flipByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  await writeFile(path, bytes.with(-1, (bytes.at(-1) ?? 0) ^ 1));
}

/** Puts one response in the place of every OCSP response of a bundle, and says that it is of `created`. */
export async function agedOcsp(
  directory: string,
  response: Uint8Array,
  created: Date,
): Promise<void> {
  const path = join(directory, 'index.json');
  const index = (await readJson(path)) as Index;
  const manifests: Entry[] = [];
  for (const entry of index.manifests) {
    if (entry.artifactType !== OCSP_RESPONSES.artifactType) manifests.push(entry);
    else {
      const manifest = (await readJson(blobOf(directory, entry))) as Layers;
      const stored = await store(directory, response);
      const layers = manifest.layers.map((layer) => ({ ...layer, ...stored }));
      const bytes = Buffer.from(JSON.stringify({ ...manifest, layers }));
      manifests.push({ ...entry, ...(await store(directory, bytes)) });
    }
  }
  const annotations = { 'org.opencontainers.image.created': created.toISOString() };
  await writeFile(path, JSON.stringify({ ...index, manifests, annotations }));
}

async function store(directory: string, bytes: Uint8Array) {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  await writeFile(blobOf(directory, { digest }), bytes);
  return { digest, size: bytes.length };
}

function blobOf(directory: string, { digest }: Pick<Entry, 'digest'>): string {
  return join(directory, 'blobs', digest.replace(':', '/'));
}

async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await readFile(path, 'utf8'));
}
