// The files that hosts.toml is among: an interface, because the agent sees the host's below a mount, and this process's own.
import { readdirSync, readFileSync } from 'node:fs';

/** Null stands for what is not there; every other fault is thrown. */
export interface HostFiles {
  /** The first `maxBytes` of a file, and at least one byte more if there are more. */
  read(path: string, maxBytes: number): Promise<Uint8Array | null>;
  /** The names in a directory. */
  list(path: string): Promise<readonly string[] | null>;
}

/** Of this process: for one that ends with its verdict, where waiting for a thread takes longer than reading. */
export const OWN_FILES: HostFiles = {
  read: (path) => unlessAbsent(() => readFileSync(path)),
  list: (path) => unlessAbsent(() => readdirSync(path)),
};

// eslint-disable-next-line @typescript-eslint/require-await -- what is thrown is to reject
async function unlessAbsent<T>(action: () => T): Promise<T | null> {
  try {
    return action();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
