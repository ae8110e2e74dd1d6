// Texts on the host, read, written and removed whole.
import { AgentError } from '../../../errors.ts';
import { applyPlan } from '../apply.ts';
import { contentOfBytes } from '../content.ts';
import { hostError } from '../host-error.ts';
import { type Attributes, type HostFs, NODE_HOST_FS } from '../host-fs.ts';
import { createHostReader } from '../host-reader.ts';
import { createLayout, type HostLayout } from '../layout.ts';
import { locate, lstatOrNull } from '../locate.ts';
import type { Step } from '../host-state.ts';
import { DIRECTORY_MODE } from '../plan.ts';

/** Which host, and how to reach it. */
export interface TextAccess {
  readonly hostRoot: string;
  readonly layout?: HostLayout;
  /** Who owns what was not there before; default root. */
  readonly owner?: Omit<Attributes, 'mode'>;
  readonly fs?: HostFs;
}

/** A configuration with all the registries of a large company has 100 KB. */
export const MAX_TEXT_BYTES = 1024 * 1024;

const FILE_MODE = 0o644;
const EXECUTABLE = 0o111;

export function layoutOf({ layout = createLayout() }: TextAccess): HostLayout {
  return layout;
}

/** The text of a file, null when there is none; `maxBytes` bounds it. Throws `host_write_failed`. */
export async function readHostText(
  { hostRoot, fs = NODE_HOST_FS }: TextAccess,
  path: string,
  maxBytes = MAX_TEXT_BYTES,
): Promise<string | null> {
  try {
    const bytes = await createHostReader(hostRoot, fs).read(path, maxBytes);
    if (bytes === null) return null;
    if (bytes.length > maxBytes) throw refused(path, `at most ${maxBytes} bytes`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw refused(path, 'UTF-8');
    throw hostError('read it', path, error);
  }
}

/**
 * Writes a text beside its path and renames it in; a file that was there gives its mode and owner. On return it
 * is on the disk. Throws `host_write_failed`, also for a symbolic link: what it leads to is for others to change.
 */
export async function writeHostText(access: TextAccess, path: string, text: string): Promise<void> {
  const { hostRoot, fs = NODE_HOST_FS, owner = { uid: 0, gid: 0 } } = access;
  const here = await locate(fs, hostRoot, path);
  const stats = await lstatOrNull(fs, here, path);
  if (stats !== null && !stats.isFile()) throw refused(path, 'a regular file or nothing');
  const { uid, gid } = stats ?? owner;
  const mode = stats === null ? FILE_MODE : stats.mode & 0o7777;
  const content = contentOfBytes(Buffer.from(text));
  const stagingDir = `${parentOf(path)}/.nodeseal-staging`;
  const attributes = { uid, gid, mode: mode & ~EXECUTABLE };
  const write: Step = { kind: 'write', path, stagingDir, content, ...attributes };
  // What can be executed is started before it is renamed in, which is not for texts.
  const isExecutable = (mode & EXECUTABLE) !== 0;
  const steps: Step[] = isExecutable ? [write, { kind: 'chmod', path, uid, gid, mode }] : [write];
  await applyPlan(fs, hostRoot, [{ kind: 'clean', path: stagingDir }, ...steps]);
}

/** Removes a file; that there is none is no fault. Throws `host_write_failed`. */
export async function removeHostText(access: TextAccess, path: string): Promise<void> {
  const { hostRoot, fs = NODE_HOST_FS } = access;
  await applyPlan(fs, hostRoot, [{ kind: 'remove', path }]);
}

/** Writes files, works, and removes them again, whatever happened. They must not be there for anything else. */
export async function withStaged<T>(
  access: TextAccess,
  files: ReadonlyMap<string, string>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    for (const [path, text] of files) await writeHostText(access, path, text);
    return await work();
  } finally {
    for (const path of files.keys()) await removeHostText(access, path);
  }
}

/** Makes a directory and those above it. Returns those that were not there, from the top down. */
export async function makeDirectories(
  access: TextAccess,
  path: string,
): Promise<readonly string[]> {
  const missing = await missingDirectories(access, path);
  const { hostRoot, fs = NODE_HOST_FS, owner = { uid: 0, gid: 0 } } = access;
  const steps = missing.map((one): Step => ({
    kind: 'mkdir',
    path: one,
    mode: DIRECTORY_MODE,
    ...owner,
  }));
  await applyPlan(fs, hostRoot, steps);
  return missing;
}

/** Removes directories, given from the top down, as far as they are empty. */
export async function removeDirectories(
  access: TextAccess,
  paths: readonly string[],
): Promise<void> {
  const { hostRoot, fs = NODE_HOST_FS } = access;
  const steps = [...paths].reverse().map((path): Step => ({ kind: 'rmdir', path }));
  await applyPlan(fs, hostRoot, steps);
}

/** The directories down to `path` that are not there. */
export async function missingDirectories(
  { hostRoot, fs = NODE_HOST_FS }: TextAccess,
  path: string,
): Promise<readonly string[]> {
  const missing: string[] = [];
  for (let at = path; at !== ''; at = parentOf(at)) {
    if ((await createHostReader(hostRoot, fs).stat(at)) !== null) break;
    missing.unshift(at);
  }
  return missing;
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function refused(path: string, expected: string): AgentError {
  return new AgentError('host_write_failed', `host path ${path}: expected ${expected}`);
}
