// The break-glass file on the host: read only if nobody but root can have written it.
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
} from 'node:fs';
import { AgentError } from '../errors.ts';
import { type BreakGlass, judgeBreakGlass, MAX_BREAK_GLASS_BYTES } from './break-glass.ts';

const { O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Whether every image is to be let in at `now`. Costs one look where there is no file, as on nearly
 * every pull. `owner` is the only user besides root whose file counts; default is the one whom the
 * caller runs as, who could as well replace the caller. Never throws.
 */
export function readBreakGlass(
  path: string,
  now: Date,
  owner = process.geteuid?.() ?? 0,
): BreakGlass {
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return { state: 'absent' };
    return readFile(path, now, owner);
  } catch (error) {
    return { state: 'ignored', error: faultOf(path, error) };
  }
}

function readFile(path: string, now: Date, owner: number): BreakGlass {
  // A pipe would wait for a writer, and a link could lead to a file that says something else by chance.
  const file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    assertOnlyRoots(path, stats, owner);
    const buffer = Buffer.alloc(MAX_BREAK_GLASS_BYTES + 1);
    const length = readSync(file, buffer, 0, buffer.length, 0);
    return judgeBreakGlass({ bytes: buffer.subarray(0, length), writtenAt: stats.mtime }, now);
  } finally {
    closeSync(file);
  }
}

function assertOnlyRoots(path: string, stats: Stats, owner: number): void {
  if (!stats.isFile()) throw refused(path, 'a regular file');
  if (stats.uid !== 0 && stats.uid !== owner) {
    throw refused(path, `root to own it, found user ${stats.uid}`);
  }
  if ((stats.mode & WRITABLE_BY_OTHERS) === 0) return;
  const mode = (stats.mode & 0o777).toString(8);
  throw refused(path, `nobody but its owner to be able to write it, found mode ${mode}`);
}

function refused(path: string, expected: string): AgentError {
  return new AgentError('break_glass_invalid', `break-glass: ${path}: expected ${expected}`);
}

function faultOf(path: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  return new AgentError('break_glass_invalid', `break-glass: ${path}: ${String(error)}`, {
    cause: error,
  });
}
