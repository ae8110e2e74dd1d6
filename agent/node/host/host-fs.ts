// The file operations that the host's files need, each safe against symbolic links and as durable as it says.
import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import {
  chmod,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rmdir,
  unlink,
} from 'node:fs/promises';

/** Permission bits and owner of a file. */
export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Paths are of this process, and their last component is never followed if it is a symbolic link. */
export interface HostFs {
  lstat(path: string): Promise<Stats>;
  readlink(path: string): Promise<string>;
  readdir(path: string): Promise<string[]>;
  /** SHA-256 in hexadecimal of a regular file. */
  hash(path: string): Promise<string>;
  /** At most `maxBytes` and one more, which says that there were more. */
  read(path: string, maxBytes: number): Promise<Uint8Array>;
  mkdir(path: string, mode: number): Promise<void>;
  /** Creates a file that must not exist; on return its bytes and attributes are on the disk. */
  create(path: string, bytes: AsyncIterable<Uint8Array>, attributes: Attributes): Promise<void>;
  /** Changes a regular file; on return that is on the disk. */
  setAttributes(path: string, attributes: Attributes): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  /** On return, the names in the directory are on the disk. */
  syncDirectory(path: string): Promise<void>;
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
// Opening a FIFO for reading would wait for a writer.
const READ = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

/** Few calls for a file of a hundred megabytes, and little memory. */
const CHUNK_BYTES = 256 * 1024;

/**
 * The bytes of an open file from where it stands. Each chunk is good until the next is asked for: all
 * share one buffer, because a stream's many would stay with the process, tens of megabytes of them.
 */
export async function* readChunks(file: FileHandle): AsyncGenerator<Uint8Array, void, undefined> {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** The real file system. */
export const NODE_HOST_FS: HostFs = {
  lstat: (path) => lstat(path),
  readlink: (path) => readlink(path),
  readdir: (path) => readdir(path),
  hash: (path) =>
    withFile(path, READ, async (file) => {
      const hash = createHash('sha256');
      for await (const chunk of readChunks(file)) hash.update(chunk);
      return hash.digest('hex');
    }),
  read: (path, maxBytes) =>
    withFile(path, READ, async (file) => {
      const chunks: Uint8Array[] = [];
      const stream = file.createReadStream({ autoClose: false, start: 0, end: maxBytes });
      for await (const chunk of stream) chunks.push(chunk as Uint8Array);
      return Buffer.concat(chunks);
    }),
  mkdir: async (path, mode) => {
    await mkdir(path, { mode });
    // The umask of this process must not decide who can read the trust store.
    await chmod(path, mode);
  },
  create: (path, bytes, attributes) =>
    withFile(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, async (file) => {
      for await (const chunk of bytes) await file.writeFile(chunk);
      await setAttributes(file, attributes);
    }),
  setAttributes: (path, attributes) =>
    withFile(path, READ, (file) => setAttributes(file, attributes)),
  rename: (from, to) => rename(from, to),
  unlink: (path) => unlink(path),
  rmdir: (path) => rmdir(path),
  syncDirectory: (path) => withFile(path, O_RDONLY | O_DIRECTORY, (directory) => directory.sync()),
};

async function setAttributes(file: FileHandle, { mode, uid, gid }: Attributes): Promise<void> {
  // In this order: changing the owner clears mode bits.
  await file.chown(uid, gid);
  await file.chmod(mode);
  await file.sync();
}

async function withFile<T>(
  path: string,
  flags: number,
  action: (file: FileHandle) => Promise<T>,
): Promise<T> {
  // Nobody but us may read or run what is not complete yet.
  const file = await open(path, flags, 0o600);
  try {
    return await action(file);
  } finally {
    await file.close();
  }
}
