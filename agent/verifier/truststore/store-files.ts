// The files of one trust store, read without leaving the root that all stores are in.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  opendirSync,
  openSync,
  readSync,
  realpathSync,
} from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { AgentError } from '../../errors.ts';
import {
  trustStoreDirectory,
  type TrustStoreName,
  trustStoreType,
} from '../../notation/trustpolicy/trust-store-name.ts';
import { show } from '../../oci/show.ts';

/** One file of a trust store. */
export interface StoreFile {
  /** Names store and file in messages. */
  readonly what: string;
  /** Its name in the store. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The largest bundles have a few hundred files; a directory with more is not a trust store. */
export const MAX_STORE_ENTRIES = 1000;
/** Four times the bundle of all public CAs, and as much as a ConfigMap holds. */
export const MAX_STORE_FILE_BYTES = 1024 * 1024;

/**
 * Reads every file of a trust store below `root`, in order of names, and notes what it ignores in
 * `warnings`. `root` is a real path. Links are followed, because ConfigMap and Secret volumes are
 * made of them, but only to places inside `root`: whoever can write a link into a store must not be
 * able to take trust from elsewhere on the host. Directories in a store are ignored, as
 * trust-store-trust-policy.md, "Trust Store" asks. Reads without giving way: a few small files take
 * less time than the thread pool's way to them. Throws `truststore_missing` or `truststore_invalid`.
 */
export function readStoreFiles(
  root: string,
  name: TrustStoreName,
  warnings: string[],
): readonly StoreFile[] {
  const what = `trust store ${name}`;
  const directory = resolveInside(
    root,
    join(root, 'x509', trustStoreType(name), trustStoreDirectory(name)),
    what,
    'truststore_missing',
  );
  const files: StoreFile[] = [];
  for (const entry of listEntries(directory, what)) {
    const file = `${what}, file ${show(entry)}`;
    const path = resolveInside(root, join(directory, entry), file, 'truststore_invalid');
    const bytes = attempt(file, () => readBounded(path, file));
    if (bytes !== undefined) files.push({ what: file, name: entry, bytes });
    // The volume's own generations of its content: `..data` and what it points to.
    else if (!entry.startsWith('..')) warnings.push(`${file}: a directory in a store is ignored`);
  }
  return files;
}

/** The real path of `path`, if that is inside `root`. */
function resolveInside(
  root: string,
  path: string,
  what: string,
  whenAbsent: 'truststore_missing' | 'truststore_invalid',
): string {
  const real = attempt(what, () => realpathSync(path), whenAbsent);
  const inside = relative(root, real);
  if (inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)) return real;
  throw invalid(what, `a place inside ${show(root)}`, show(real));
}

function listEntries(directory: string, what: string): readonly string[] {
  return attempt(what, () => {
    const names: string[] = [];
    const entries = opendirSync(directory);
    try {
      for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) {
        if (names.push(entry.name) > MAX_STORE_ENTRIES) {
          throw invalid(what, `at most ${MAX_STORE_ENTRIES} files`, 'more');
        }
      }
    } finally {
      entries.closeSync();
    }
    return names.sort();
  });
}

/** The bytes of a regular file, or undefined for a directory. */
function readBounded(path: string, what: string): Uint8Array | undefined {
  if (lstatSync(path).isDirectory()) return undefined;
  // The path was resolved before: a link that is there by now is refused, a pipe does not block.
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw invalid(what, 'a regular file', 'another kind');
    // What is written to it meanwhile is of the next reading.
    if (stat.size > MAX_STORE_FILE_BYTES) {
      throw invalid(what, `at most ${MAX_STORE_FILE_BYTES} bytes`, 'more');
    }
    const bytes = Buffer.alloc(stat.size);
    return bytes.subarray(0, readSync(file, bytes, 0, stat.size, 0));
  } finally {
    closeSync(file);
  }
}

/** Names the store in what the file system has to say. */
function attempt<T>(
  what: string,
  action: () => T,
  whenAbsent: 'truststore_missing' | 'truststore_invalid' = 'truststore_invalid',
): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    // A fault of ours has no code of the system, and must not pass for one of the store.
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    const reason = String(cause.code);
    if (reason === 'ENOENT') {
      const absent = `${what}: expected it to exist, but it or what it links to does not`;
      throw new AgentError(whenAbsent, absent, { cause });
    }
    throw new AgentError('truststore_invalid', `${what}: expected to read it, found ${reason}`, {
      cause,
    });
  }
}

function invalid(what: string, expected: string, found: string): AgentError {
  return new AgentError('truststore_invalid', `${what}: expected ${expected}, found ${found}`);
}
