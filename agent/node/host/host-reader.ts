// Reads the host's files where they are mounted for this process, never leaving the host's root.
import { dirname, join, relative, resolve } from 'node:path';
import { AgentError } from '../../errors.ts';
import { errnoOf } from './host-error.ts';
import { type HostFs, NODE_HOST_FS } from './host-fs.ts';
import { locate, locateDirectory } from './locate.ts';

/** Paths are absolute paths of the host; symbolic links are followed as the host would follow them. */
export interface MountedHostReader {
  read(path: string, maxBytes: number): Promise<Uint8Array | null>;
  list(path: string): Promise<readonly string[] | null>;
  stat(path: string): Promise<MountedHostEntry | null>;
  readLink(path: string): Promise<string | null>;
}

export interface MountedHostEntry {
  readonly kind: 'file' | 'directory' | 'other';
  readonly isExecutable: boolean;
  readonly changedAt: Date;
}

/** As many as Linux follows. */
const MAX_LINKS = 40;

/**
 * Reads a host whose root is at `hostRoot`. Null stands for what is not there; every other fault is
 * thrown, as the file system says it or as `host_write_failed` where a path leads out of the root.
 */
export function createHostReader(hostRoot: string, fs: HostFs = NODE_HOST_FS): MountedHostReader {
  const follow = (path: string) => locateTarget(fs, hostRoot, path);
  return {
    read: (path, maxBytes) => unlessAbsent(async () => fs.read(await follow(path), maxBytes)),
    list: (path) => unlessAbsent(async () => fs.readdir(await locateDirectory(fs, hostRoot, path))),
    stat: (path) =>
      unlessAbsent(async () => {
        const stats = await fs.lstat(await follow(path));
        const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other';
        return { kind, isExecutable: (stats.mode & 0o111) !== 0, changedAt: stats.ctime };
      }),
    readLink: (path) => unlessAbsent(async () => fs.readlink(await locate(fs, hostRoot, path))),
  };
}

/** Where the host's `path` leads to, if it is a symbolic link itself. */
async function locateTarget(fs: HostFs, hostRoot: string, path: string): Promise<string> {
  let pending = path;
  for (let links = 0; links <= MAX_LINKS; links += 1) {
    const here = await locate(fs, hostRoot, pending);
    const stats = await fs.lstat(here);
    if (!stats.isSymbolicLink()) return here;
    // Relative to where the link really is, which may be another directory than the one it was reached by.
    const hostPath = join('/', relative(hostRoot, here));
    pending = resolve(dirname(hostPath), await fs.readlink(here));
  }
  const fault = `host path ${path}: expected at most ${MAX_LINKS} symbolic links on the way`;
  throw new AgentError('host_write_failed', fault);
}

async function unlessAbsent<T>(action: () => Promise<T>): Promise<T | null> {
  try {
    return await action();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESRCH') return null;
    throw error;
  }
}
