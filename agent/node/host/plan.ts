// What has to be done on the host, in order: a pure function of what it should hold and what it holds.
import { dirname } from 'node:path';
import { AgentError } from '../../errors.ts';
import { ancestorsOf, deepestFirst } from './ancestors.ts';
import { contentOfBytes } from './content.ts';
import type { Attributes } from './host-fs.ts';
import { type HostLayout, isOwnDirectory, type Place, placeOf, stagingDirOf } from './layout.ts';
import { encodeManifest, type Manifest, type Original } from './manifest.ts';
import { findOriginals, keepStep, keptPath, keptPaths, removeStep } from './originals.ts';
import type { Actual, DesiredFile, DesiredFiles, HostState, Step } from './host-state.ts';

/** The steps and what they leave alone. */
export interface InstallPlan {
  readonly steps: readonly Step[];
  /** Files that we once wrote, that should go, and that somebody has changed since. */
  readonly left: readonly string[];
}

/**
 * Plans an installation; no steps when nothing is to be done. New trust comes before the policy that
 * needs it, stale trust goes after the policy that needed it, the verifier comes last, and only after it goes
 * one that is elsewhere. The files of a place that is absent from `desired` stay, and stay known as ours.
 *
 * A regular file of somebody else's where policy or trust goes is kept aside, and put back when ours
 * goes. Throws `host_write_failed` when a directory stands there, or a symbolic link that is not in
 * our manifest.
 */
export function planInstall(
  desired: DesiredFiles,
  state: HostState,
  layout: HostLayout,
  owner: Omit<Attributes, 'mode'>,
): InstallPlan {
  const wanted = new Map([...desired.values()].flat().map((file) => [file.path, file]));
  for (const path of wanted.keys()) assertReplaceable(path, state);
  const { stale, kept, left } = sortOwned(new Set(wanted.keys()), desired, state, layout);
  const files = fileSteps(desired, stale, state, layout);
  const found = findOriginals(wanted.keys(), state, layout);
  const keeps = [...found].map(([path, one]) => keepStep(path, one, layout, owner));
  const isStill = ([path]: readonly [string, Original]) => wanted.has(path) || kept.has(path);
  const originals = new Map([...[...state.manifest.originals].filter(isStill), ...found]);
  const asides = new Set([...originals.values()].map((one) => keptPath(layout, one)));
  const dropped = keptPaths(state, layout).filter((path) => !asides.has(path));
  const missing = missingDirectories([...keeps, ...files], state);
  // Created before the record is written, because it is written there; removed by name in the end.
  const forRecord = missing.filter((path) => `${layout.ownDir}/`.startsWith(`${path}/`));
  const forKeeps = missing.filter((path) => keeps.some((keep) => dirname(keep.path) === path));

  const needed = ancestorsOf([...wanted.keys(), ...kept.keys(), ...asides]);
  const known = state.manifest.directories;
  const created = missing.filter((path) => path !== layout.ownDir);
  const written = [...wanted].map(([path, { content }]) => [path, [content.sha256]] as const);
  const final: Manifest = {
    files: new Map([...kept, ...written]),
    directories: unique([...known.filter((path) => needed.has(path)), ...created]),
    originals,
  };
  const record = recordSteps(final, files.length > 0, state, layout, owner);
  const emptied = known.filter((path) => !needed.has(path));
  const mkdir = (path: string): Step => ({ kind: 'mkdir', path, mode: DIRECTORY_MODE, ...owner });
  return {
    steps: [
      ...state.leftovers.map((path): Step => ({ kind: 'clean', path })),
      ...forRecord.map(mkdir),
      // Once what is kept is known to be, and before its path is taken for ours.
      ...(keeps.length > 0 ? [record.keeping] : []),
      ...forKeeps.map(mkdir),
      ...keeps,
      ...record.before,
      ...missing.filter((path) => ![...forRecord, ...forKeeps].includes(path)).map(mkdir),
      ...directorySteps(
        known.filter((path) => needed.has(path)),
        state,
        layout,
        owner,
      ),
      ...files,
      ...dropped.map((path): Step => ({ kind: 'remove', path })),
      ...deepestFirst(emptied).map((path): Step => ({ kind: 'rmdir', path })),
      ...record.after,
    ],
    left,
  };
}

/** Everyone may look: the host's own tools read policy and trust too. */
export const DIRECTORY_MODE = 0o755;

/** Whoever may write in them decides what is trusted and what is executed; `/opt` is not ours to judge. */
function directorySteps(
  made: readonly string[],
  { entries }: HostState,
  layout: HostLayout,
  owner: Omit<Attributes, 'mode'>,
): Step[] {
  const wanted = { mode: DIRECTORY_MODE, ...owner };
  return [layout.ownDir, ...made.filter((path) => isOwnDirectory(layout, path))].flatMap((path) => {
    const actual = entries.get(path);
    if (actual?.kind !== 'directory' || hasAttributes(actual, wanted)) return [];
    return [{ kind: 'chmod', path, ...wanted } as const];
  });
}

/** Tells whether mode and owner are those. */
export function hasAttributes(actual: Attributes, { mode, uid, gid }: Attributes): boolean {
  return actual.mode === mode && actual.uid === uid && actual.gid === gid;
}

/** The order is what keeps every moment between two steps safe. */
function fileSteps(
  desired: DesiredFiles,
  stale: readonly string[],
  state: HostState,
  layout: HostLayout,
): Step[] {
  const writes = (place: Place): Step[] =>
    (desired.get(place) ?? []).flatMap((file) =>
      stepFor(file, state, stagingDirOf(layout, file.path)),
    );
  const isVerifier = (path: string): boolean => placeOf(layout, path) === 'verifier';
  return [
    ...writes('trust'),
    ...writes('policy'),
    ...stale.filter((path) => !isVerifier(path)).map((path) => removeStep(path, state, layout)),
    ...writes('settings'),
    ...writes('verifier'),
    ...stale.filter(isVerifier).map((path) => removeStep(path, state, layout)),
  ];
}

/** Splits what the manifest names and nobody wants: to remove, to keep as ours, changed by others. */
function sortOwned(
  wanted: ReadonlySet<string>,
  desired: DesiredFiles,
  { manifest, entries }: HostState,
  layout: HostLayout,
) {
  const kept = new Map<string, readonly string[]>();
  const stale: string[] = [];
  const left: string[] = [];
  for (const [path, written] of manifest.files) {
    if (wanted.has(path)) continue;
    const place = placeOf(layout, path);
    const actual = entries.get(path);
    if (place !== null && !desired.has(place)) kept.set(path, written);
    else if (isOurs(actual, written)) stale.push(path);
    else if (actual !== undefined) left.push(path);
  }
  return { stale, kept, left };
}

/** Tells whether what stands at a path is a content that we wrote there. */
export function isOurs(actual: Actual | undefined, written: readonly string[]): boolean {
  return actual?.kind === 'file' && written.includes(actual.sha256);
}

function assertReplaceable(path: string, { entries, manifest }: HostState): void {
  const actual = entries.get(path);
  if (actual === undefined || actual.kind === 'file') return;
  const shown = `host path ${path}: expected a regular file or nothing, found`;
  if (actual.kind === 'mount') {
    throw new AgentError(
      'host_write_failed',
      `${shown} something mounted at ${actual.at}; unmount it (findmnt shows it), or mount the directory above it instead`,
    );
  }
  // It took the place of a file of ours; a directory that is not empty stays and is told when it comes to it.
  if (manifest.files.has(path)) return;
  throw new AgentError('host_write_failed', `${shown} a ${actual.kind}; move it away`);
}

function stepFor(file: DesiredFile, { entries }: HostState, stagingDir: string): Step[] {
  const actual = entries.get(file.path);
  const { path, mode, uid, gid } = file;
  if (actual?.kind !== 'file' || actual.sha256 !== file.content.sha256) {
    const emptied: Step[] = actual?.kind === 'directory' ? [{ kind: 'rmdir', path }] : [];
    return [...emptied, { kind: 'write', stagingDir, ...file }];
  }
  return hasAttributes(actual, file) ? [] : [{ kind: 'chmod', path, mode, uid, gid }];
}

function missingDirectories(files: readonly Step[], { entries }: HostState): string[] {
  const written = files.filter(({ kind }) => kind === 'write').map(({ path }) => path);
  return [...ancestorsOf(written)].filter((path) => !entries.has(path));
}

/** The record names what is about to be written before it is, and only what is there after it. */
function recordSteps(
  final: Manifest,
  changing: boolean,
  state: HostState,
  layout: HostLayout,
  owner: Omit<Attributes, 'mode'>,
): { readonly keeping: Step; readonly before: readonly Step[]; readonly after: readonly Step[] } {
  const stagingDir = stagingDirOf(layout, layout.manifestFile);
  const fileOf = (manifest: Manifest): DesiredFile => {
    const content = contentOfBytes(encodeManifest(manifest));
    return { path: layout.manifestFile, content, mode: 0o644, ...owner };
  };
  const last = fileOf(final);
  const both = union(state.manifest, final);
  const keeping: Step = {
    ...{ kind: 'write', stagingDir },
    ...fileOf({ ...both, files: state.manifest.files }),
  };
  if (!changing) return { keeping, before: [], after: stepFor(last, state, stagingDir) };
  const first = fileOf(both);
  const same = first.content.sha256 === last.content.sha256;
  return {
    keeping,
    before: stepFor(first, state, stagingDir),
    after: same ? [] : [{ kind: 'write', stagingDir, ...last }],
  };
}

function union(a: Manifest, b: Manifest): Manifest {
  const files = new Map(a.files);
  for (const [path, written] of b.files) {
    files.set(path, unique([...(files.get(path) ?? []), ...written]));
  }
  const originals = new Map([...a.originals, ...b.originals]);
  return { files, directories: unique([...a.directories, ...b.directories]), originals };
}

function unique(items: readonly string[]): string[] {
  return [...new Set(items)];
}
