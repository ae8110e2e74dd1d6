// A log file and what rotation has made of its elders: found beside it, told apart by content, in
// the order they were written.
import { readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { AgentError } from '../../errors.ts';
import { LogFileContent } from './log-file-content.ts';
import { FINGERPRINT_BYTES, isSameFile } from './log-file-position.ts';
import { type LogFileOwner, openTrusted } from './log-file-trust.ts';

/** The oldest of more than these are left out; each costs an open file for a moment. */
export const MAX_ROTATED = 64;
/** How often the folder may change while it is read. */
const MAX_LOOKS = 5;

/**
 * Tells whether rotation gave the name: `NAME.1`, `NAME-20260101` and the like, as logrotate does, or
 * `STEM-TIME.EXTENSION`, as k3s and RKE2 do; each also with `.gz`.
 */
export function isRotated(name: string, active: string): boolean {
  const extension = extname(active);
  const stem = basename(active, extension);
  const plain = name.endsWith('.gz') ? name.slice(0, -'.gz'.length) : name;
  if (/^[.-]\d[\w.:-]*$/.test(plain.slice(active.length)) && plain.startsWith(active)) return true;
  const isStamped = extension !== '' && plain.startsWith(`${stem}-`) && plain.endsWith(extension);
  return isStamped && /^\d[\w.:-]*$/.test(plain.slice(stem.length + 1, -extension.length));
}

/**
 * Opens the file at `path`, which is the last, and its elders, oldest first, each content once: a
 * copy, or what is being compressed, is there twice for a while. Only elders written to at or after
 * `sinceMs`. The caller closes them all. Elders that cannot be trusted or read go to `onInvalid`;
 * throws `log_file_untrusted` or `log_file_unavailable` for the file itself.
 */
export async function openLogFiles(
  path: string,
  owner: LogFileOwner,
  sinceMs: number,
  onInvalid: (error: AgentError) => void,
): Promise<readonly LogFileContent[]> {
  // Renamed meanwhile, a file would be missing or there twice.
  for (let looks = 1; ; looks += 1) {
    const names = await elders(path);
    const opened: LogFileContent[] = [];
    try {
      const invalid: AgentError[] = [];
      opened.push(await LogFileContent.read(await openTrusted(path, owner)));
      for (const name of names) await openElder(join(dirname(path), name), owner, opened, invalid);
      const isStill = looks === MAX_LOOKS || (await isUnchanged(path, names, opened[0], owner));
      if (isStill) {
        invalid.forEach(onInvalid);
        return await inOrder(opened, sinceMs);
      }
    } catch (error) {
      await closeAll(opened);
      throw error;
    }
    await closeAll(opened);
  }
}

/** Closes them. */
export async function closeAll(files: readonly LogFileContent[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()));
}

async function elders(path: string): Promise<readonly string[]> {
  try {
    const names = await readdir(dirname(path));
    return names.filter((name) => isRotated(name, basename(path))).sort();
  } catch {
    // Opening the file in it tells why.
    return [];
  }
}

async function openElder(
  path: string,
  owner: LogFileOwner,
  opened: LogFileContent[],
  invalid: AgentError[],
): Promise<void> {
  try {
    opened.push(await LogFileContent.read(await openTrusted(path, owner)));
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    invalid.push(error);
  }
}

async function isUnchanged(
  path: string,
  names: readonly string[],
  active: LogFileContent | undefined,
  owner: LogFileOwner,
): Promise<boolean> {
  if (active === undefined || (await elders(path)).join('\0') !== names.join('\0')) return false;
  const { handle, stats } = await openTrusted(path, owner);
  await handle.close();
  return isSameFile(active.identity, { device: stats.dev, inode: stats.ino });
}

// The active file is the first that was opened, and the last that was written.
async function inOrder(
  [active, ...others]: readonly LogFileContent[],
  sinceMs: number,
): Promise<readonly LogFileContent[]> {
  if (active === undefined) return [];
  const kept = [active];
  const left: LogFileContent[] = [];
  for (const file of others.toSorted(byWholeness)) {
    const isNew = !kept.some((other) => isCopy(file, other));
    (isNew && file.modifiedMs >= sinceMs ? kept : left).push(file);
  }
  const rotated = kept.slice(1).sort((a, b) => timeOf(a) - timeOf(b));
  left.push(...rotated.splice(0, Math.max(0, rotated.length - MAX_ROTATED)));
  await closeAll(left);
  return [...rotated, active];
}

// Of a file that is being copied or compressed, the plain and the longer is the whole one.
function byWholeness(a: LogFileContent, b: LogFileContent): number {
  return Number(a.isCompressed) - Number(b.isCompressed) || b.head.length - a.head.length;
}

// Also an empty file, of which nothing is missed.
function isCopy({ head }: LogFileContent, other: LogFileContent): boolean {
  const start = head.subarray(0, FINGERPRINT_BYTES);
  return start.equals(other.head.subarray(0, start.length));
}

// A compressed file is modified when it is compressed, so what its first line says is better.
function timeOf({ firstUs, modifiedMs }: LogFileContent): number {
  return firstUs ?? modifiedMs * 1000;
}
