// One installation at a time on a host, whichever process, container or mount it comes from.
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AgentError } from '../../errors.ts';
import { errnoOf, hostError } from './host-error.ts';
import type { HostFs } from './host-fs.ts';
import { locate } from './locate.ts';

/** Each one more needs somebody to uninstall at that very moment. */
const MAX_ATTEMPTS = 10;

/** flock(1) does not wait; this is for a machine that cannot even start it. */
const FLOCK_TIMEOUT_MS = 10_000;

/** What flock(1) is told to say when somebody else holds the lock. */
const HELD_EXIT_CODE = 75;

/** A held lock. */
export interface HostLock {
  /** Gives the lock up and leaves its file. */
  release(): void;
  /** Gives the lock up and removes its file, for the last one to leave. */
  remove(): void;
}

/**
 * Takes the lock at the host's `path`, or throws `host_busy` when somebody holds it; it does not
 * wait. Throws `host_write_failed` for anything else.
 *
 * The kernel must hold it, so that it ends with its holder: a process id in a file means nothing to a
 * holder in another container. Node offers no flock(2), but a lock belongs to the open file that
 * parent and child share, so flock(1) can take it for us. (SQLite's locks are no way out: it resolves
 * symbolic links itself, and would leave a host root such as /proc/1/root.)
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
  throw busy(path);
}

/** Null when the holder before us removed the file between our opening and locking it. */
function hold(here: string, path: string): HostLock | null {
  const { O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
  const file = openSync(here, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
  try {
    lock(file, path);
    if (inodeOf(here) === fstatSync(file).ino) {
      return {
        release: () => closeSync(file),
        remove: () => {
          unlinkSync(here);
          closeSync(file);
        },
      };
    }
  } catch (error) {
    closeSync(file);
    throw error;
  }
  closeSync(file);
  return null;
}

function lock(file: number, path: string): void {
  const { status, error, stderr } = spawnSync('flock', ['-n', '-E', String(HELD_EXIT_CODE), '3'], {
    stdio: ['ignore', 'ignore', 'pipe', file],
    encoding: 'utf8',
    timeout: FLOCK_TIMEOUT_MS,
  });
  if (status === 0) return;
  if (status === HELD_EXIT_CODE) throw busy(path);
  throw new AgentError(
    'host_write_failed',
    `host path ${path}: could not take the lock: expected flock(1) of util-linux to exit with 0 or ${HELD_EXIT_CODE}, found ${error?.message ?? `${String(status)}: ${stderr.trim()}`}`,
    { cause: error },
  );
}

function busy(path: string): AgentError {
  return new AgentError(
    'host_busy',
    `host path ${path}: another nodeseal is installing or uninstalling: wait for it`,
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
