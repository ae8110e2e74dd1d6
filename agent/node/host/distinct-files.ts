// Which paths of the host lead to the same file, by symbolic links or mounts above it.
import type { HostFs } from './host-fs.ts';
import { locate, lstatOrNull } from './locate.ts';

/**
 * The paths without those that lead to the same file as one before them: removing such a one would
 * remove the other. Throws `host_write_failed` for what cannot be looked at.
 */
export async function distinctFiles(
  fs: HostFs,
  hostRoot: string,
  paths: readonly string[],
): Promise<readonly string[]> {
  const found = new Map<string, string>();
  for (const path of new Set(paths)) {
    const here = await locate(fs, hostRoot, path);
    const stats = await lstatOrNull(fs, here, path);
    const file = stats === null ? here : `${stats.dev} ${stats.ino}`;
    if (!found.has(file)) found.set(file, path);
  }
  return [...found.values()];
}
