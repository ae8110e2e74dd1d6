// From a path of the host to a path of this process, without ever leaving the host's root.
import { dirname, join } from 'node:path';
import { AgentError } from '../../errors.ts';
import { errnoOf, hostError } from './host-error.ts';
import type { HostFs } from './host-fs.ts';

/** As many as Linux follows. */
const MAX_LINKS = 40;

/**
 * Where the host's `path` is for this process. Symbolic links among its parents are followed as the
 * host would follow them (`/opt` is one on some systems, and an absolute link means the host's root,
 * not ours); the last component is not followed, and need not exist. Throws `host_write_failed` for
 * a link that leads out of the root, too many links, or a parent that is no directory.
 */
export async function locate(fs: HostFs, hostRoot: string, path: string): Promise<string> {
  const pending = path.split('/').filter(isName);
  const done: string[] = [];
  let links = 0;
  for (let name = pending.shift(); name !== undefined; name = pending.shift()) {
    if (name === '..') {
      if (done.pop() === undefined)
        throw refused(path, 'a path inside the host root, found one that leaves it');
      continue;
    }
    const here = join(hostRoot, ...done, name);
    const stats = pending.length === 0 ? null : await lstatOrNull(fs, here, path);
    if (stats?.isSymbolicLink() !== true) {
      if (stats?.isDirectory() === false) throw refused(path, `a directory at ${here}`);
      done.push(name);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw refused(path, `at most ${MAX_LINKS} symbolic links on the way`);
    const target = await fs.readlink(here).catch((error: unknown) => {
      throw hostError('read the symbolic link', path, error);
    });
    if (target.startsWith('/')) done.length = 0;
    pending.unshift(...target.split('/').filter(isName));
  }
  return join(hostRoot, ...done);
}

/** The same for a directory, following it too if it is a symbolic link. */
export async function locateDirectory(fs: HostFs, hostRoot: string, path: string): Promise<string> {
  return dirname(await locate(fs, hostRoot, join(path, 'any')));
}

/** Null when there is nothing at `here`; `path` is what an error names. */
export async function lstatOrNull(fs: HostFs, here: string, path: string) {
  try {
    return await fs.lstat(here);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw hostError('look at it', path, error);
  }
}

function isName(name: string): boolean {
  return name !== '' && name !== '.';
}

function refused(path: string, expected: string): AgentError {
  return new AgentError('host_write_failed', `host path ${path}: expected ${expected}`);
}
