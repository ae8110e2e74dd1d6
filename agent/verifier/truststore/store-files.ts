// The files of trust stores, all of one moment.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
} from 'node:fs';
import { AgentError } from '../../errors.ts';
import type { TrustStoreName } from '../../notation/trustpolicy/trust-store-name.ts';
import { attempt, invalid } from './store-fault.ts';
import { locateStores, type StoreEntry, type StoreLocation } from './store-location.ts';

/** One file of a trust store. */
export interface StoreFile {
  /** Names store and file in messages. */
  readonly what: string;
  /** Its name in the store. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What was read of one trust store. */
export interface StoreReading {
  readonly name: TrustStoreName;
  /** In order of their names. */
  readonly files: readonly StoreFile[];
  /** What was ignored; one sentence each. */
  readonly warnings: readonly string[];
}

/** Four times the bundle of all public CAs, and as much as a ConfigMap holds. */
export const MAX_STORE_FILE_BYTES = 1024 * 1024;
/** As many certificates as a store may have, each larger than nearly all real ones. */
export const MAX_STORE_BYTES = 8 * 1024 * 1024;

/**
 * The kubelet swaps a volume at most every few seconds; a reading takes milliseconds. What this does
 * not bridge is the moment after a swap in which the kubelet has not yet removed the link to a file
 * that is gone: the store is refused until then.
 */
const MAX_READINGS = 3;

/**
 * Reads every file of trust stores, each named once, as they were at one moment: when the links of a
 * volume were swapped meanwhile, it is read again, because of two generations together neither may
 * be what its author trusts. Directories in a store are ignored, as trust-store-trust-policy.md,
 * "Trust Store" asks. Without names nothing is looked at. Reads without giving way: a few small files
 * take less time than the thread pool's way to them. Throws `truststore_missing` or
 * `truststore_invalid`.
 */
export function readStores(
  rootDir: string,
  names: readonly TrustStoreName[],
): readonly StoreReading[] {
  if (names.length === 0) return [];
  const locate = () => outcomeOf(() => locateStores(rootDir, names));
  let before = locate();
  for (let reading = 1; reading <= MAX_READINGS; reading++) {
    const located = before;
    const read = located instanceof AgentError ? located : outcomeOf(() => located.map(readStore));
    const after = locate();
    if (isSame(before, after)) {
      // What failed now is no matter of the moment.
      if (read instanceof AgentError) throw read;
      return read;
    }
    before = after;
  }
  throw invalid(`trust stores ${names.join(', ')}`, 'files that do not change while they are read');
}

function outcomeOf<T>(action: () => T): T | AgentError {
  try {
    return action();
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
}

type Located = readonly StoreLocation[] | AgentError;

function isSame(before: Located, after: Located): boolean {
  return pathsOf(before) === pathsOf(after);
}

function pathsOf(located: Located): string {
  if (located instanceof AgentError) return located.message;
  return JSON.stringify(located.map(({ entries }) => entries.map(({ path }) => path)));
}

function readStore({ name, entries }: StoreLocation): StoreReading {
  const files: StoreFile[] = [];
  const warnings: string[] = [];
  let total = 0;
  for (const entry of entries) {
    const bytes = attempt(entry.what, () => readBounded(entry, MAX_STORE_BYTES - total));
    if (bytes !== undefined) {
      files.push({ what: entry.what, name: entry.name, bytes });
      total += bytes.length;
      // The volume's own generations of its content: `..data` and what it points to.
    } else if (!entry.name.startsWith('..')) {
      warnings.push(`${entry.what}: a directory in a store is ignored`);
    }
  }
  return { name, files, warnings };
}

/** The bytes of a regular file, or undefined for a directory. */
function readBounded({ path, what }: StoreEntry, left: number): Uint8Array | undefined {
  if (lstatSync(path).isDirectory()) return undefined;
  // The path was resolved before: a link that is there by now is refused, a pipe does not block.
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw invalid(what, 'a regular file', 'another kind');
    // A directory above it may have become a link since, and have led out of the root.
    if (readlinkSync(`/proc/self/fd/${file}`) !== path) {
      throw invalid(what, 'a file that is not moved while it is read');
    }
    // What is written to it meanwhile is of the next reading.
    if (stat.size > MAX_STORE_FILE_BYTES) {
      throw invalid(what, `at most ${MAX_STORE_FILE_BYTES} bytes`, 'more');
    }
    if (stat.size > left) {
      throw invalid(what, `at most ${MAX_STORE_BYTES} bytes in its store`, 'more');
    }
    const bytes = Buffer.alloc(stat.size);
    return bytes.subarray(0, readSync(file, bytes, 0, stat.size, 0));
  } finally {
    closeSync(file);
  }
}
