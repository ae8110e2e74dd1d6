// A cheap look at the host: the same text as long as nobody has touched what is ours, or `bin_dir`.
import { basename, dirname, join } from 'node:path';
import { AgentError } from '../../errors.ts';
import { errnoOf } from './host-error.ts';
import { type HostFs, NODE_HOST_FS } from './host-fs.ts';
import { type HostLayout, verifierFiles } from './layout.ts';
import { locateDirectory } from './locate.ts';

/**
 * Describes the files at `paths`, the directories that they are in, and every name in `bin_dir`,
 * without reading a byte of them: whatever is done to a file but through the disk itself changes its
 * inode or one of its times. A mount over any of them changes it too. Never rejects for what is there.
 */
export async function fingerprintHost(
  hostRoot: string,
  layout: HostLayout,
  paths: readonly string[],
  fs: HostFs = NODE_HOST_FS,
): Promise<string> {
  const verifiers = verifierFiles(layout);
  const directories = new Set([...paths, layout.manifestFile, ...verifiers].map(dirname));
  const lines: string[] = [];
  const places: string[] = [];
  for (const directory of [...directories].sort()) {
    // One walk for all the files of a directory.
    const here = await textOf(() => locateDirectory(fs, hostRoot, directory));
    places.push(`${here}/`);
    const names = paths.filter((path) => dirname(path) === directory).map((path) => basename(path));
    for (const name of ['', ...names.sort()]) {
      lines.push(`${here} ${name} ${await textOf(() => describe(fs, join(here, name)))}`);
    }
    if (!verifiers.some((path) => dirname(path) === directory)) continue;
    lines.push(await textOf(async () => (await fs.readdir(here)).sort().join('\0')));
  }
  // A node mounts something for every pod: only what is mounted over ours counts.
  const isOver = (mount: string) => places.some((place) => `${mount}/`.startsWith(place));
  const mounts = await textOf(async () =>
    [...(await fs.mountPoints())].filter(isOver).sort().join('\0'),
  );
  return [...lines, mounts].join('\n');
}

async function describe(fs: HostFs, here: string): Promise<string> {
  const { dev, ino, mode, uid, gid, size, mtimeMs, ctimeMs } = await fs.lstat(here);
  // Of a directory, its names' coming and going is told by the files themselves: others may use it too.
  const isFile = (mode & 0o170000) !== 0o040000;
  return [dev, ino, mode, uid, gid, ...(isFile ? [size, mtimeMs, ctimeMs] : [])].join(' ');
}

async function textOf(look: () => Promise<string>): Promise<string> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof AgentError) return error.message;
    const errno = errnoOf(error);
    if (errno === null) throw error;
    return errno;
  }
}
