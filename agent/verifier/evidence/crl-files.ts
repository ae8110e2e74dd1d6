// CRLs on disk, for the processes that come after this one; each pull may be one.
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashHex } from '../../notation/encoding/crypto.ts';

export interface CrlFile {
  readonly bytes: Uint8Array;
  readonly fetchedAt: Date;
}

/** Anything else in the folder is not ours, and stays. */
const OURS = /^[0-9a-f]{64}\.crl(?:\.[0-9a-f-]{36}\.tmp)?$/;

/**
 * A folder with one file for each CRL, named by a hash, holding the CRL as it was fetched. Nothing
 * here is believed: whoever reads one verifies it as if it had just been fetched, so that a file that is
 * torn, old or forged is as good as none. A disk that is full or read-only only makes CRLs be
 * fetched again, so no error of the disk comes out.
 */
export class CrlFiles {
  readonly #folder: string;
  readonly #maxFileBytes: number;
  readonly #maxBytes: number;

  constructor(
    folder: string,
    limits: { readonly maxFileBytes: number; readonly maxBytes: number },
  ) {
    this.#folder = folder;
    this.#maxFileBytes = limits.maxFileBytes;
    this.#maxBytes = limits.maxBytes;
  }

  /** What was saved under a key; undefined when it cannot be read. */
  async load(key: string): Promise<CrlFile | undefined> {
    try {
      await using file = await open(this.#pathOf(key));
      const { size, mtime } = await file.stat();
      if (size > this.#maxFileBytes) return undefined;
      return { bytes: await file.readFile(), fetchedAt: mtime };
    } catch {
      return undefined; // not there, or of no use
    }
  }

  /** Writes beside and renames, so that nobody reads half a file. */
  async save(key: string, { bytes, fetchedAt }: CrlFile): Promise<void> {
    const path = this.#pathOf(key);
    const beside = `${path}.${randomUUID()}.tmp`;
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeFile(beside, bytes, { flag: 'wx', mode: 0o600 });
      await utimes(beside, fetchedAt, fetchedAt);
      await rename(beside, path);
      await this.#prune();
    } catch {
      // The next process fetches it again.
      await rm(beside, { force: true }).catch(() => undefined);
    }
  }

  /** Removes what was written longest ago, leftovers of crashes among it, until the rest fits. */
  async #prune(): Promise<void> {
    const names = (await readdir(this.#folder)).filter((name) => OURS.test(name));
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#folder, name);
        const { size, mtimeMs } = await stat(path);
        return { path, size, mtimeMs };
      }),
    );
    files.sort((a, b) => b.mtimeMs - a.mtimeMs);
    let bytes = 0;
    for (const { path, size } of files) {
      bytes += size;
      if (bytes > this.#maxBytes) await rm(path, { force: true });
    }
  }

  #pathOf(key: string): string {
    return join(this.#folder, `${hashHex('sha256', Buffer.from(key))}.crl`);
  }
}
