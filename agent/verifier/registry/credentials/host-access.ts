// The host's files and programs as sources of credentials need them; the agent sees them from a pod.
import { access, constants, open, readdir } from 'node:fs/promises';

/** Paths are absolute paths of the host. */
export interface HostAccess {
  /** The first `maxBytes` of a file and at least one byte more, if there are more. Null when there is none. */
  read(path: string, maxBytes: number): Promise<Uint8Array | null>;
  /** Names of what is in a directory, but directories. Null when it is none. */
  list(path: string): Promise<readonly string[] | null>;
  isExecutable(path: string): Promise<boolean>;
  /** The words before the path of a program, to run it in the host's root. */
  readonly enter: readonly string[];
}

/** Of the machine that this process sees as its own. */
export const OWN_HOST: HostAccess = {
  enter: [],
  async read(path, maxBytes) {
    try {
      // A pipe in the file's place must not keep anybody waiting.
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        return await readAll(file, maxBytes + 1);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
  },
  async list(path) {
    try {
      const entries = await readdir(path, { withFileTypes: true });
      return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
  },
  async isExecutable(path) {
    try {
      await access(path, constants.X_OK);
      return true;
    } catch {
      // Whatever it is, it cannot be run.
      return false;
    }
  },
};

async function readAll(
  file: { read(buffer: Uint8Array, offset: number): Promise<{ bytesRead: number }> },
  maxBytes: number,
): Promise<Uint8Array> {
  const buffer = Buffer.alloc(maxBytes);
  let length = 0;
  while (length < maxBytes) {
    const { bytesRead } = await file.read(buffer, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function isAbsence(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return error.code === 'ENOENT' || error.code === 'ENOTDIR';
}
