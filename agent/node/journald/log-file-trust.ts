// Whether a log file says what its writer wrote: opened only where nobody but root could have put it or written to it.
import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { AgentError } from '../../errors.ts';

/** Where the host's files are, and who must own them. */
export interface LogFileOwner {
  /** Where the host's root directory is mounted; it and what is above it are not looked at. */
  readonly root: string;
  /** The only user who may have written; root. Tests are somebody else. */
  readonly uid: number;
}

/** An open file, as it was when it was opened. */
export interface TrustedFile {
  readonly path: string;
  readonly handle: FileHandle;
  readonly stats: Stats;
}

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_OTHERS = 0o002;

/**
 * Opens a log file. Lines of a file have no trusted fields, so the file itself must be trusted: it and
 * every directory from the host's root to it belong to the owner and are writable by nobody else, and
 * none of them is a symbolic link. Throws `log_file_untrusted` where that is not so, and
 * `log_file_unavailable` where there is no such file or it cannot be opened.
 *
 * Not checked: access control lists, and whether the owner lets others write through a pipe, as
 * containerd does with the output of its shims.
 */
export async function openTrusted(path: string, owner: LogFileOwner): Promise<TrustedFile> {
  try {
    await checkDirectories(path, owner);
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
    // A named pipe in its place would block the opening of it.
    const handle = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    try {
      const stats = await handle.stat();
      checkFile(path, stats, owner);
      return { path, handle, stats };
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw unavailable(path, error);
  }
}

/** Throws `log_file_untrusted` if others than the owner may have written what the file holds. */
export function checkFile(path: string, stats: Stats, owner: LogFileOwner): void {
  if (!stats.isFile()) throw untrusted(path, 'a regular file');
  checkOwner(path, stats, owner);
}

/** The error for a file that cannot be read. */
export function unavailable(path: string, cause: unknown): AgentError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AgentError('log_file_unavailable', `log file ${path}: ${why}`, { cause });
}

async function checkDirectories(path: string, owner: LogFileOwner): Promise<void> {
  const names = relative(owner.root, path).split(sep).slice(0, -1);
  let directory = owner.root;
  for (const name of names) {
    directory = join(directory, name);
    const stats = await lstat(directory);
    if (!stats.isDirectory()) throw untrusted(directory, 'a directory, not a link to one');
    checkOwner(directory, stats, owner);
  }
}

function checkOwner(path: string, { uid, gid, mode }: Stats, owner: LogFileOwner): void {
  if (uid !== owner.uid) throw untrusted(path, `user ${owner.uid} to own it, found user ${uid}`);
  const isOpen =
    (mode & WRITABLE_BY_OTHERS) !== 0 || ((mode & WRITABLE_BY_GROUP) !== 0 && gid !== 0);
  if (!isOpen) return;
  const found = (mode & 0o7777).toString(8).padStart(4, '0');
  throw untrusted(path, `nobody else to write to it, found mode ${found}`);
}

function untrusted(path: string, expected: string): AgentError {
  return new AgentError('log_file_untrusted', `log file: ${path}: expected ${expected}`);
}
