// What lies in the directory of image verifiers: containerd executes every entry of it on each pull.
import { join, normalize } from 'node:path';
import type { HostReader } from './host-reader.ts';
import { mountOptionsAt } from './mount-options.ts';

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
  /** It is on a file system mounted with `noexec`. False also where that cannot be told. */
  readonly isNoexec: boolean;
}

/** Lists a `bin_dir` as the containerd with this process id has it. Never throws for what it finds. */
export async function readBinDir(host: HostReader, path: string, pid: number): Promise<BinDir> {
  return {
    path,
    entries: path === '' ? null : await readEntries(host, path),
    isNoexec: await readNoexec(host, path, pid),
  };
}

async function readEntries(host: HostReader, path: string): Promise<BinDir['entries']> {
  let names: readonly string[] | null;
  try {
    names = await host.list(path);
  } catch {
    // containerd cannot list it either, and refuses every pull; that is a finding, not our fault.
    return 'unreadable';
  }
  if (names === null) return null;
  const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return Promise.all(sorted.map((name) => readEntry(host, path, name)));
}

async function readEntry(host: HostReader, directory: string, name: string): Promise<BinDirEntry> {
  // What we cannot look at, such as a link that leads in a circle, containerd cannot execute either.
  const entry = await host.stat(join(directory, name)).catch(() => null);
  const isGood = entry?.kind === 'file' && entry.isExecutable;
  return { name, kind: isGood ? 'executable' : 'broken' };
}

/** Thousands of mounts, as on a node full of pods. */
const MAX_MOUNTINFO_BYTES = 4 * 1024 * 1024;

async function readNoexec(host: HostReader, path: string, pid: number): Promise<boolean> {
  const mountinfo = `/proc/${pid}/mountinfo`;
  const bytes = await host.read(mountinfo, MAX_MOUNTINFO_BYTES).catch(() => null);
  if (bytes === null) return false;
  return mountOptionsAt(Buffer.from(bytes).toString('utf8'), normalize(path)).has('noexec');
}
