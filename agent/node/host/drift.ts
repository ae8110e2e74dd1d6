// What others did to our files on the host: a pure function of what is recorded and what is there.
import type { Attributes } from './host-fs.ts';
import { type HostLayout, isOwnDirectory, type Place, placeOf } from './layout.ts';
import type { Observation } from './observe.ts';
import type { Actual, DesiredFiles } from './host-state.ts';
import { DIRECTORY_MODE, hasAttributes } from './plan.ts';

/** What was touched: a file by what it is for, the record of what is installed, or a directory we made. */
export type DriftPlace = Place | 'record' | 'directory';

/**
 * `changed`: other bytes. `removed`: gone. `replaced`: a link, a directory or something else is there.
 * `attributes`: other mode or owner. `shadowed`: something is mounted over it.
 */
export type DriftKind = 'changed' | 'removed' | 'replaced' | 'attributes' | 'shadowed';

/** One thing that is not as we left it. */
export interface Drift {
  readonly path: string;
  readonly place: DriftPlace;
  readonly kind: DriftKind;
}

/**
 * Finds what is not as the record says we left it. What a killed run of ours left half done is not
 * drift: the record names both contents. Files of a place that nothing is wanted for are for whoever
 * runs the node to change.
 */
export function findDrift(
  desired: DesiredFiles,
  state: Observation,
  layout: HostLayout,
): readonly Drift[] {
  const wanted = new Map([...desired.values()].flat().map((file) => [file.path, file]));
  const files = [...state.manifest.files].flatMap(([path, written]): Drift[] => {
    const place = placeOf(layout, path);
    if (place === null || !desired.has(place)) return [];
    const kind = fileDrift(state.entries.get(path), written, wanted.get(path));
    return kind === null ? [] : [{ path, place, kind }];
  });
  return [
    ...recordDrift(desired, state, layout),
    ...directoryDrift(desired, state, layout),
    ...files,
  ];
}

function fileDrift(
  actual: Actual | undefined,
  written: readonly string[],
  attributes: Attributes | undefined,
): DriftKind | null {
  // What nobody wants any more was removed by us, whose run was then killed, or may be gone.
  if (actual === undefined) return attributes === undefined ? null : 'removed';
  if (actual.kind === 'mount') return 'shadowed';
  if (actual.kind !== 'file') return 'replaced';
  if (!written.includes(actual.sha256)) return 'changed';
  return attributes === undefined || hasAttributes(actual, attributes) ? null : 'attributes';
}

/** Without a record nothing is known to be ours, but a verifier with our very bytes did not come by itself. */
function recordDrift(
  desired: DesiredFiles,
  { entries, manifest, manifestFault }: Observation,
  layout: HostLayout,
): Drift[] {
  const drift = { path: layout.manifestFile, place: 'record' } as const;
  if (manifestFault !== null) return [{ ...drift, kind: 'changed' }];
  const isInstalled = desired.get('verifier')?.some(({ path, content }) => {
    const verifier = entries.get(path);
    return verifier?.kind === 'file' && verifier.sha256 === content.sha256;
  });
  return manifest.files.size === 0 && isInstalled === true ? [{ ...drift, kind: 'removed' }] : [];
}

function directoryDrift(
  desired: DesiredFiles,
  { entries, manifest }: Observation,
  layout: HostLayout,
): Drift[] {
  const owner = desired.get('verifier')?.[0];
  if (manifest.files.size === 0) return [];
  return [layout.ownDir, ...manifest.directories].flatMap((path): Drift[] => {
    const actual = entries.get(path);
    if (actual?.kind !== 'directory' || !isOwnDirectory(layout, path)) return [];
    if (owner === undefined || hasAttributes(actual, { ...owner, mode: DIRECTORY_MODE })) return [];
    return [{ path, place: 'directory', kind: 'attributes' }];
  });
}
