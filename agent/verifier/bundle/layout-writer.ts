// Writes an OCI image layout: content first, then its index, and what is old goes last, so that nobody reads half a bundle.
import { mkdir, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { AgentError } from '../../errors.ts';
import { hashHex } from '../../notation/encoding/crypto.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import { OCI_INDEX } from '../../oci/media-types.ts';
import { contentOf } from './layout-content.ts';
import { LayoutFiles } from './layout-files.ts';
import { CREATED, INDEX_FILE, LAYOUT_FILE, MAX_INDEX_BYTES } from './layout-index.ts';
import { isOfWriters, LayoutTurn } from './layout-turn.ts';
import { isoTime } from '../../utc.ts';

/** A manifest or index to be. */
type JsonManifest = Readonly<Record<string, unknown>> & { readonly mediaType: string };

/**
 * Writes into a directory that is empty, or not there yet, or a layout already. Of the latter the index
 * is replaced in one step, and then goes the content that neither this index names nor the one before:
 * who has just read that one still finds what it names. Until it finishes, it changes nothing; and of several, one
 * finishes after the other. Its methods throw `argument_invalid` for a directory that cannot be written.
 */
export class LayoutWriter {
  readonly #directory: string;
  readonly #turn: LayoutTurn;
  readonly #added = new Set<Digest>();

  private constructor(directory: string, turn: LayoutTurn) {
    this.#directory = directory;
    this.#turn = turn;
  }

  static async open(directory: string): Promise<LayoutWriter> {
    return attempt(directory, async () => {
      await mkdir(directory, { recursive: true });
      const names = await readdir(directory);
      if (!names.every(isOfWriters) && !names.includes(LAYOUT_FILE)) {
        throw unwritable(directory, 'expected an empty directory or an OCI image layout');
      }
      return new LayoutWriter(directory, await LayoutTurn.open(directory));
    });
  }

  /** Adds content, under the digest that it is known by; by default that of SHA-256. */
  async add(
    bytes: Uint8Array,
    mediaType: string,
    digest: Digest = `sha256:${hashHex('sha256', bytes)}`,
  ): Promise<Descriptor> {
    await attempt(this.#directory, () => this.#turn.prepare(encoded(digest), bytes));
    this.#added.add(digest);
    return { mediaType, digest, size: bytes.length };
  }

  /** Adds a manifest or index as JSON. */
  addJson(value: JsonManifest): Promise<Descriptor> {
    return this.add(Buffer.from(JSON.stringify(value)), value.mediaType);
  }

  /**
   * Makes the entries the content of the layout. Nothing may be added after it. Throws `bundle_busy` when
   * other writers are not done before the signal fires.
   */
  async finish(entries: readonly Descriptor[], created: Date, signal: AbortSignal): Promise<void> {
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
    await attempt(this.#directory, async () => {
      await this.#turn.prepare(LAYOUT_FILE, Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
      await this.#turn.prepare(INDEX_FILE, bytes);
      await this.#turn.take(signal);
      await this.#place();
    });
  }

  /** Leaves nothing half written behind. */
  async close(): Promise<void> {
    await this.#turn.close();
  }

  /** Cut off anywhere, it leaves what was there or what is to be, and a directory that `open` takes. */
  async #place(): Promise<void> {
    const before = await contentOf(new LayoutFiles(this.#directory));
    await this.#turn.place(LAYOUT_FILE, LAYOUT_FILE);
    for (const digest of this.#added) {
      await this.#turn.place(encoded(digest), `blobs/${digest.replace(':', '/')}`);
    }
    await this.#turn.place(INDEX_FILE, INDEX_FILE);
    await this.#prune(before);
    await this.#turn.tidy();
  }

  async #prune(before: ReadonlySet<Digest>): Promise<void> {
    const root = await realpath(this.#directory);
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const folder = join(root, 'blobs', algorithm);
      // No link is followed to where content of others may be.
      if ((await realpath(folder).catch(() => undefined)) !== folder) continue;
      for (const name of await readdir(folder)) {
        const digest = `${algorithm}:${name}`;
        if (!isDigest(digest) || this.#added.has(digest) || before.has(digest)) continue;
        await this.#turn.remove(join(folder, name));
      }
    }
  }
}

/** The digest as the name of a file. */
function encoded(digest: Digest): string {
  return digest.replace(':', '-');
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
