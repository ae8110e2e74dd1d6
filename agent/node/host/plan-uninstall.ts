// What has to be removed from the host, in order: a pure function of what is recorded and what it holds.
import { deepestFirst } from './ancestors.ts';
import { type HostLayout, type Place, placeOf, PLACES, verifierFiles } from './layout.ts';
import { keptPath, keptPaths, removeStep } from './originals.ts';
import type { HostState, Step } from './host-state.ts';
import { isOurs } from './plan.ts';

/** A file that stays, and why. */
export interface LeftFile {
  readonly path: string;
  readonly reason:
    | 'changed by others'
    | 'put back as it was before'
    | 'not installed by nodeseal'
    | 'needed by the verifier'
    | 'holds files of others'
    | 'the record of this node';
}

/** The steps and what they leave alone. */
export interface UninstallPlan {
  readonly steps: readonly Step[];
  readonly left: readonly LeftFile[];
}

/**
 * Plans the removal of everything the manifest names that is still as it was written: the verifier
 * first, wherever it was put, because a verifier without its policy and trust refuses every image, and
 * the record last, so that a killed run can go on. For the same reason everything stays when a file
 * that we did not write stands in the verifier's place.
 */
export function planUninstall(state: HostState, layout: HostLayout): UninstallPlan {
  const { manifest, entries, leftovers } = state;
  const isVerifier = (path: string): boolean => placeOf(layout, path) === 'verifier';
  const verifiers = [...verifierFiles(layout), ...[...manifest.files.keys()].filter(isVerifier)];
  const foreign = [...new Set(verifiers)].filter((path) => {
    const actual = entries.get(path);
    return actual !== undefined && !isOurs(actual, manifest.files.get(path) ?? []);
  });
  if (foreign.length > 0) return leaveAll(state, foreign);

  const steps: Step[] = leftovers.map((path) => ({ kind: 'clean', path }));
  const left: LeftFile[] = [];
  for (const path of verifierFirst([...manifest.files.keys()], layout)) {
    const actual = entries.get(path);
    const original = manifest.originals.get(path);
    const isBack = actual?.kind === 'file' && actual.sha256 === original?.sha256;
    if (isBack) left.push({ path, reason: 'put back as it was before' });
    else if (isOurs(actual, manifest.files.get(path) ?? [])) {
      const step = removeStep(path, state, layout);
      steps.push(step);
      if (step.kind === 'write') left.push({ path, reason: 'put back as it was before' });
    } else if (actual !== undefined) left.push({ path, reason: 'changed by others' });
  }
  // An original whose path others have taken meanwhile stays aside, and its directory is told.
  const taken = left.filter(({ reason }) => reason === 'changed by others').map(({ path }) => path);
  const asides = new Set(
    taken.flatMap((path) => manifest.originals.get(path) ?? []).map((one) => keptPath(layout, one)),
  );
  for (const path of keptPaths(state, layout)) {
    if (!asides.has(path)) steps.push({ kind: 'remove', path });
  }
  const rmdir = (path: string): Step => ({ kind: 'rmdir', path });
  const directories = deepestFirst(manifest.directories);
  const aboveRecord = (path: string): boolean => layout.ownDir.startsWith(`${path}/`);
  steps.push(...directories.filter((path) => !aboveRecord(path)).map(rmdir));
  if (entries.has(layout.manifestFile)) steps.push({ kind: 'remove', path: layout.manifestFile });
  if (entries.has(layout.ownDir)) steps.push(rmdir(layout.ownDir));
  steps.push(...directories.filter(aboveRecord).map(rmdir));
  return { steps, left };
}

function leaveAll({ manifest, entries }: HostState, foreign: readonly string[]): UninstallPlan {
  const isRecorded = (path: string): boolean => manifest.files.has(path);
  const others = [...manifest.files.keys()].filter(
    (path) => !foreign.includes(path) && entries.has(path),
  );
  return {
    steps: [],
    left: [
      ...foreign.map((path): LeftFile => {
        return {
          path,
          reason: isRecorded(path) ? 'changed by others' : 'not installed by nodeseal',
        };
      }),
      ...others.map((path) => ({ path, reason: 'needed by the verifier' }) as const),
    ],
  };
}

function verifierFirst(paths: readonly string[], layout: HostLayout): string[] {
  const order: readonly (Place | null)[] = [...PLACES].reverse();
  const rank = (path: string): number => order.indexOf(placeOf(layout, path));
  return [...paths].sort((a, b) => rank(a) - rank(b));
}
