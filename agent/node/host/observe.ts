// Reads from the host what a plan has to know.
import { dirname, join } from 'node:path';
import { AgentError } from '../../errors.ts';
import { ancestorsOf } from './ancestors.ts';
import { distinctFiles } from './distinct-files.ts';
import { hostError } from './host-error.ts';
import type { Attributes, HostFs } from './host-fs.ts';
import { type HostLayout, placeOf, stagingDirOf, stagingDirs } from './layout.ts';
import { locate, locateDirectory, lstatOrNull } from './locate.ts';
import { EMPTY_MANIFEST, type Manifest, MAX_MANIFEST_BYTES, parseManifest } from './manifest.ts';
import { keptPath } from './originals.ts';
import type { Actual, HostState } from './host-state.ts';

/** The host's state, and why its manifest counts as empty if it could not be read as one. */
export interface Observation extends HostState {
  readonly manifestFault: AgentError | null;
}

/**
 * Looks at `paths`, at everything the manifest names, and at every directory above those. Nothing is
 * changed. Of verifiers that are one file by several paths, only one is there: the one of `paths`, or,
 * if `first` says so, of the manifest. Throws `host_write_failed` for what cannot be looked at.
 */
export async function observeHost(
  fs: HostFs,
  hostRoot: string,
  layout: HostLayout,
  paths: readonly string[],
  first: 'paths' | 'manifest' = 'paths',
): Promise<Observation> {
  const { manifest, manifestFault } = await readManifest(fs, hostRoot, layout);
  const kept = [...manifest.originals.values()].map((original) => keptPath(layout, original));
  const files = new Set([...paths, ...manifest.files.keys(), ...kept, layout.manifestFile]);
  const isVerifier = (path: string): boolean => placeOf(layout, path) === 'verifier';
  const recorded = [...manifest.files.keys()].filter(isVerifier);
  const wanted = paths.filter(isVerifier);
  const verifiers = first === 'paths' ? [...wanted, ...recorded] : [...recorded, ...wanted];
  const distinct = await distinctFiles(fs, hostRoot, verifiers);
  const hidden = verifiers.filter((path) => !distinct.includes(path));
  const entries = new Map<string, Actual>();
  for (const path of ancestorsOf([
    ...files,
    ...manifest.directories.map((dir) => join(dir, 'any')),
  ])) {
    const here = await locateDirectory(fs, hostRoot, path);
    const stats = await lstatOrNull(fs, here, path);
    if (stats !== null) entries.set(path, { kind: 'directory', ...attributesOf(stats) });
  }
  const mounts = await fs.mountPoints();
  for (const path of files) {
    if (hidden.includes(path)) continue;
    const mounted = await mountOver(fs, hostRoot, layout, path, mounts);
    const actual = mounted ?? (await look(fs, hostRoot, path));
    if (actual !== null) entries.set(path, actual);
  }
  const leftovers: string[] = [];
  for (const path of stagingDirs(layout, recorded)) {
    const here = await locate(fs, hostRoot, path);
    if ((await lstatOrNull(fs, here, path)) !== null) leftovers.push(path);
  }
  return { entries, leftovers, manifest, manifestFault };
}

/**
 * What is mounted over a file, or over a directory between it and where it is staged: there, nothing
 * can be renamed in.
 */
async function mountOver(
  fs: HostFs,
  hostRoot: string,
  layout: HostLayout,
  path: string,
  mounts: ReadonlySet<string>,
): Promise<Actual | null> {
  const top = dirname(stagingDirOf(layout, path));
  for (let at = path; at.startsWith(`${top}/`); at = dirname(at)) {
    const here = await (at === path ? locate : locateDirectory)(fs, hostRoot, at);
    if (mounts.has(here)) return { kind: 'mount', at };
  }
  return null;
}

async function look(fs: HostFs, hostRoot: string, path: string): Promise<Actual | null> {
  const here = await locate(fs, hostRoot, path);
  const stats = await lstatOrNull(fs, here, path);
  if (stats === null) return null;
  if (stats.isSymbolicLink()) return { kind: 'symlink' };
  if (stats.isDirectory()) return { kind: 'directory', ...attributesOf(stats) };
  if (!stats.isFile()) return { kind: 'other' };
  try {
    const sha256 = await fs.hash(here);
    return { kind: 'file', sha256, ...attributesOf(stats) };
  } catch (error) {
    throw hostError('read it', path, error);
  }
}

function attributesOf({ mode, uid, gid }: Attributes): Attributes {
  return { mode: mode & 0o7777, uid, gid };
}

/**
 * A manifest that cannot be parsed counts as empty: the files it named are then nobody's, which is
 * safe for installing, and uninstalling refuses.
 */
export async function readManifest(
  fs: HostFs,
  hostRoot: string,
  layout: HostLayout,
): Promise<{ manifest: Manifest; manifestFault: AgentError | null }> {
  const path = layout.manifestFile;
  const here = await locate(fs, hostRoot, path);
  const stats = await lstatOrNull(fs, here, path);
  if (stats === null) return { manifest: EMPTY_MANIFEST, manifestFault: null };
  try {
    if (!stats.isFile() || stats.size > MAX_MANIFEST_BYTES) {
      throw new AgentError(
        'host_write_failed',
        `host path ${path}: expected a file of at most ${MAX_MANIFEST_BYTES} bytes`,
      );
    }
    const bytes = await fs.read(here, MAX_MANIFEST_BYTES);
    const manifest = parseManifest(bytes, (file) => placeOf(layout, file) !== null);
    return { manifest, manifestFault: null };
  } catch (error) {
    const manifestFault = hostError('read it', path, error);
    return { manifest: EMPTY_MANIFEST, manifestFault };
  }
}
