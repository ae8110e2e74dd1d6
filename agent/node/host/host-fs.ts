// The file operations that the host's files need, each safe against symbolic links and as durable as it says.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants, type Stats } from 'node:fs';
import {
  chmod,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
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
  /** Changes a regular file or a directory; on return that is on the disk. */
  setAttributes(path: string, attributes: Attributes): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  /** On return, the names in the directory are on the disk. */
  syncDirectory(path: string): Promise<void>;
  /** Starts a program and waits for its end, whatever its exit code. Rejects when the kernel would not start it. */
  start(path: string, argument: string): Promise<void>;
  /** Where something is mounted for this process. */
  mountPoints(): Promise<ReadonlySet<string>>;
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
  start: async (path, argument) => {
    await assertFormat(path);
    const child = spawn(path, [argument], {
      ...{ cwd: '/', env: {}, stdio: 'ignore' },
      ...{ timeout: START_TIMEOUT_MS, killSignal: 'SIGKILL' },
    });
    // `once` rejects on the event `error`, which is all there is of a program that did not start.
    await once(child, 'exit');
  },
  mountPoints: async () => parseMountPoints(await readFile('/proc/self/mountinfo', 'utf8')),
};

/** A program that answers a question about itself does so in milliseconds; that it started is enough. */
const START_TIMEOUT_MS = 10_000;

/** Up to and with the machine, elf(5). */
const ELF_HEADER_BYTES = 20;

/** execvp(3), which Node uses, has a shell try what is no program of this machine; containerd does not. */
async function assertFormat(path: string): Promise<void> {
  const [found, own] = await Promise.all([readHeader(path), readHeader('/proc/self/exe')]);
  if (found.subarray(0, 2).toString() === '#!') return;
  // Magic, width and byte order; then, behind what differs between kinds of programs, the machine.
  const isOfThisMachine =
    found.subarray(0, 6).equals(own.subarray(0, 6)) && found.subarray(18).equals(own.subarray(18));
  if (!isOfThisMachine) throw Object.assign(new Error('exec format error'), { code: 'ENOEXEC' });
}

function readHeader(path: string): Promise<Buffer> {
  // Our own is reached by a link.
  return withFile(path, O_RDONLY | O_NONBLOCK, async (file) => {
    const bytes = Buffer.alloc(ELF_HEADER_BYTES);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  });
}

/** proc_pid_mountinfo(5): the fifth field; blanks and backslashes in it are octal. */
function parseMountPoints(text: string): ReadonlySet<string> {
  const fields = text.split('\n').map((line) => line.split(' ')[4]);
  return new Set(
    fields
      .filter((field) => field !== undefined)
      .map((field) =>
        field.replace(/\\([0-7]{3})/g, (_, octal: string) =>
          String.fromCharCode(Number.parseInt(octal, 8)),
        ),
      ),
  );
}

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
