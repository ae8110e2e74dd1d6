// Writes an OCI image layout: content first and its index last, so that nobody reads half a bundle.
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../errors.ts';
import { hashHex } from '../../notation/encoding/crypto.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, digestAlgorithm } from '../../oci/digest.ts';
import { OCI_INDEX } from '../../oci/media-types.ts';
import { CREATED, INDEX_FILE, LAYOUT_FILE, MAX_INDEX_BYTES } from './layout-index.ts';

/** A manifest or index to be. */
type JsonManifest = Readonly<Record<string, unknown>> & { readonly mediaType: string };

/**
 * Writes into a directory that is empty, or not there yet, or a layout already. Of the latter the index
 * is replaced in one step; content that nothing names any more stays. Its methods throw
 * `argument_invalid` for a directory that cannot be written.
 */
export class LayoutWriter {
  readonly #directory: string;
  readonly #staging: string;

  private constructor(directory: string, staging: string) {
    this.#directory = directory;
    this.#staging = staging;
  }

  static async open(directory: string): Promise<LayoutWriter> {
    return attempt(directory, async () => {
      await mkdir(directory, { recursive: true });
      const names = await readdir(directory);
      if (names.length > 0 && !names.includes(LAYOUT_FILE)) {
        throw unwritable(directory, 'expected an empty directory or an OCI image layout');
      }
      return new LayoutWriter(directory, await mkdtemp(join(directory, '.writing-')));
    });
  }

  /** Adds content, under the digest that it is known by; by default that of SHA-256. */
  async add(
    bytes: Uint8Array,
    mediaType: string,
    digest: Digest = `sha256:${hashHex('sha256', bytes)}`,
  ): Promise<Descriptor> {
    const algorithm = digestAlgorithm(digest);
    const path = `blobs/${algorithm}/${digest.slice(algorithm.length + 1)}`;
    await this.#write(path, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  /** Adds a manifest or index as JSON. */
  addJson(value: JsonManifest): Promise<Descriptor> {
    return this.add(Buffer.from(JSON.stringify(value)), value.mediaType);
  }

  /** Makes the entries the content of the layout. Nothing may be added after it. */
  async finish(entries: readonly Descriptor[], created: Date): Promise<void> {
    const index = {
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: entries,
      annotations: { [CREATED]: created.toISOString() },
    };
    const bytes = Buffer.from(JSON.stringify(index));
    if (bytes.length > MAX_INDEX_BYTES) {
      const fault = `expected an index of at most ${MAX_INDEX_BYTES} bytes, found ${bytes.length}: name fewer images`;
      throw unwritable(this.#directory, fault);
    }
    await this.#write(LAYOUT_FILE, Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
    await this.#write(INDEX_FILE, bytes);
  }

  /** Leaves nothing half written behind. */
  async close(): Promise<void> {
    await rm(this.#staging, { recursive: true, force: true });
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    await attempt(this.#directory, async () => {
      const beside = join(this.#staging, 'file');
      const target = join(this.#directory, path);
      await mkdir(join(target, '..'), { recursive: true });
      await writeFile(beside, bytes, { flush: true });
      await rename(beside, target);
    });
  }
}

async function attempt<T>(directory: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    throw unwritable(directory, String(cause), cause);
  }
}

function unwritable(directory: string, fault: string, cause?: unknown): AgentError {
  return new AgentError('argument_invalid', `${directory}: ${fault}`, { cause });
}
