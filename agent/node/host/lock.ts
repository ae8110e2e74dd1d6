// One installation at a time on a host, whichever process, container or mount it comes from.
import { closeSync, mkdirSync, openSync, statSync, unlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AgentError } from '../../errors.ts';
import { errnoOf, hostError } from './host-error.ts';
import type { HostFs } from './host-fs.ts';
import { locate } from './locate.ts';

/** Each one more needs somebody to uninstall at that very moment. */
const MAX_ATTEMPTS = 10;

/** A held lock. */
export interface HostLock {
  /** Gives the lock up and leaves its file. */
  release(): void;
  /** Gives the lock up and removes its file, for the last one to leave. */
  remove(): void;
}

/**
 * Takes the lock at the host's `path`, or throws `host_write_failed` when somebody holds it; it does
 * not wait.
 *
 * The kernel must hold it, so that it ends with its holder: a process id in a file means nothing to a
 * holder in another container. Node offers no flock(2), but SQLite locks its database with fcntl(2),
 * and an exclusive transaction on an empty database writes nothing.
 */
export async function takeHostLock(fs: HostFs, hostRoot: string, path: string): Promise<HostLock> {
  try {
    const here = await locate(fs, hostRoot, path);
    mkdirSync(dirname(here), { recursive: true, mode: 0o700 });
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const held = hold(here, path);
      if (held !== null) return held;
    }
  } catch (error) {
    throw hostError('take the lock', path, error);
  }
  throw busy(path, 'the lock file was removed again and again');
}

/** Null when the holder before us removed the file between our opening and locking it. */
function hold(here: string, path: string): HostLock | null {
  closeSync(openSync(here, 'a', 0o600));
  const inode = inodeOf(here);
  const database = new DatabaseSync(here, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw isBusy(cause) ? busy(path, cause) : cause;
  }
  if (inode === null || inodeOf(here) !== inode) {
    database.close();
    return null;
  }
  return {
    release: () => database.close(),
    remove: () => {
      unlinkSync(here);
      database.close();
    },
  };
}

/** SQLITE_BUSY: somebody else holds it. Anything else is a fault of the file or its filesystem. */
function isBusy(cause: unknown): boolean {
  return cause instanceof Error && 'errcode' in cause && cause.errcode === 5;
}

function busy(path: string, cause: unknown): AgentError {
  return new AgentError(
    'host_write_failed',
    `host path ${path}: another nodeseal is installing or uninstalling: wait for it (${String(cause)})`,
    { cause },
  );
}

function inodeOf(here: string): number | null {
  try {
    return statSync(here).ino;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}
