// What lies in the directory of image verifiers: containerd executes every entry of it on each pull.
import { join } from 'node:path';
import type { HostReader } from './host-reader.ts';

/** One entry, whatever its name: containerd filters nothing. */
export interface BinDirEntry {
  readonly name: string;
  /** `broken` can only fail: a directory, a link to nothing, a file that nobody may execute. */
  readonly kind: 'executable' | 'broken';
}

export interface BinDir {
  readonly path: string;
  /**
   * In the order in which containerd runs them. Null when there is no such directory, and
   * `unreadable` when something else is there.
   */
  readonly entries: readonly BinDirEntry[] | null | 'unreadable';
}

/** Lists a `bin_dir`. Never throws for what it finds. */
export async function readBinDir(host: HostReader, path: string): Promise<BinDir> {
  if (path === '') return { path, entries: null };
  let names: readonly string[] | null;
  try {
    names = await host.list(path);
  } catch {
    // containerd cannot list it either, and refuses every pull; that is a finding, not our fault.
    return { path, entries: 'unreadable' };
  }
  if (names === null) return { path, entries: null };
  const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return { path, entries: await Promise.all(sorted.map((name) => readEntry(host, path, name))) };
}

async function readEntry(host: HostReader, directory: string, name: string): Promise<BinDirEntry> {
  // What we cannot look at, such as a link that leads in a circle, containerd cannot execute either.
  const entry = await host.stat(join(directory, name)).catch(() => null);
  const isGood = entry?.kind === 'file' && entry.isExecutable;
  return { name, kind: isGood ? 'executable' : 'broken' };
}
