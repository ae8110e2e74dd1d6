// Writes an OCI image layout: content first, then its index, and what is old goes last, so that nobody reads half a bundle.
import { mkdir, mkdtemp, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../errors.ts';
import { hashHex } from '../../notation/encoding/crypto.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, digestAlgorithm, isDigest } from '../../oci/digest.ts';
import { OCI_INDEX } from '../../oci/media-types.ts';
import { contentOf } from './layout-content.ts';
import { LayoutFiles } from './layout-files.ts';
import { CREATED, INDEX_FILE, LAYOUT_FILE, MAX_INDEX_BYTES } from './layout-index.ts';
import { isoTime } from '../../utc.ts';

/** A manifest or index to be. */
type JsonManifest = Readonly<Record<string, unknown>> & { readonly mediaType: string };

/** Where a writer prepares its files, until it ends. */
const STAGING = '.writing-';
/** A writer changes its own far more often: what is older was left behind by one that was killed. */
const LEFTOVER_MS = 24 * 3600 * 1000;

/**
 * Writes into a directory that is empty, or not there yet, or a layout already. Of the latter the index
 * is replaced in one step, and then goes the content that neither this index names nor the one before:
 * who has just read that one still finds what it names. Its methods throw `argument_invalid` for a
 * directory that cannot be written.
 */
export class LayoutWriter {
  readonly #directory: string;
  readonly #staging: string;
  readonly #added = new Set<Digest>();

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
      return new LayoutWriter(directory, await mkdtemp(join(directory, STAGING)));
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
    this.#added.add(digest);
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
      annotations: { [CREATED]: isoTime(created) },
    };
    const bytes = Buffer.from(JSON.stringify(index));
    if (bytes.length > MAX_INDEX_BYTES) {
      const fault = `expected an index of at most ${MAX_INDEX_BYTES} bytes, found ${bytes.length}: name fewer images`;
      throw unwritable(this.#directory, fault);
    }
    const before = await contentOf(new LayoutFiles(this.#directory));
    await this.#write(LAYOUT_FILE, Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
    await this.#write(INDEX_FILE, bytes);
    await attempt(this.#directory, () => this.#prune(before, created));
  }

  /** Leaves nothing half written behind. */
  async close(): Promise<void> {
    await rm(this.#staging, { recursive: true, force: true });
  }

  /** Not while another writer is at work here: its content has no index yet. */
  async #prune(before: ReadonlySet<Digest>, now: Date): Promise<void> {
    if (await this.#hasOtherWriter(now)) return;
    const root = await realpath(this.#directory);
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const folder = join(root, 'blobs', algorithm);
      // No link is followed to where content of others may be.
      if ((await realpath(folder).catch(() => undefined)) !== folder) continue;
      for (const name of await readdir(folder)) {
        const digest = `${algorithm}:${name}`;
        if (!isDigest(digest) || this.#added.has(digest) || before.has(digest)) continue;
        await rm(join(folder, name), { force: true });
      }
    }
  }

  async #hasOtherWriter(now: Date): Promise<boolean> {
    let hasOther = false;
    for (const name of await readdir(this.#directory)) {
      const path = join(this.#directory, name);
      if (!name.startsWith(STAGING) || path === this.#staging) continue;
      const { mtimeMs } = await stat(path);
      if (now.getTime() - mtimeMs < LEFTOVER_MS) hasOther = true;
      else await rm(path, { recursive: true, force: true });
    }
    return hasOther;
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
