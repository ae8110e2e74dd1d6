// Files and standard streams read and written by blocking calls.
import { AgentError } from '../errors.ts';
import { lastError, loadLibc } from './libc.ts';

/** <bits/fcntl-linux.h>: a pipe at the path must not keep a pull waiting for its writer. */
const O_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000;
const ENOENT = 2;
const EINTR = 4;

/**
 * The bytes of a file, or null if there is no file at the path. Throws `setting_invalid` for one that
 * cannot be read or has more than `maxBytes`.
 */
export function readHostFile(path: string, maxBytes: number): Uint8Array | null {
  const fd = loadLibc().open(Buffer.from(`${path}\0`), O_NONBLOCK_CLOEXEC);
  if (fd < 0) {
    const error = lastError();
    if (error === ENOENT) return null;
    throw unreadable(path, `error ${error}`);
  }
  try {
    const bytes = readAll(fd, maxBytes, path);
    if (bytes.length > maxBytes) throw unreadable(path, `more than ${maxBytes} bytes`);
    return bytes;
  } finally {
    loadLibc().close(fd);
  }
}

/** Tells whether there is nothing at a path. What cannot be told counts as something. */
export function isAbsent(path: string): boolean {
  const fd = loadLibc().open(Buffer.from(`${path}\0`), O_NONBLOCK_CLOEXEC);
  if (fd < 0) return lastError() === ENOENT;
  loadLibc().close(fd);
  return false;
}

/** Everything up to the end, or one byte more than `maxBytes`, so that too much can be told. */
export function readAll(fd: number, maxBytes: number, what: string): Uint8Array {
  const bytes = Buffer.alloc(maxBytes + 1);
  let length = 0;
  while (length < bytes.length) {
    const rest = bytes.subarray(length);
    const count = loadLibc().read(fd, rest, rest.length);
    if (count === 0) break;
    if (count > 0) length += count;
    else if (lastError() !== EINTR) throw unreadable(what, `error ${lastError()}`);
  }
  return bytes.subarray(0, length);
}

/** Writes what can be written: where nobody reads, the exit code alone decides. */
export function writeText(fd: number, text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    const count = loadLibc().write(fd, rest, rest.length);
    if (count <= 0) return;
    rest = rest.subarray(count);
  }
}

function unreadable(what: string, found: string): AgentError {
  return new AgentError('setting_invalid', `${what}: expected to read it, found ${found}`);
}
