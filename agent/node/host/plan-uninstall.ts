// What has to be removed from the host, in order: a pure function of what is recorded and what it holds.
import { deepestFirst } from './ancestors.ts';
import { type HostLayout, type Place, placeOf, PLACES } from './layout.ts';
import { type HostState, isOurs, type Step } from './plan.ts';

/** A file that stays, and why. */
export interface LeftFile {
  readonly path: string;
  readonly reason:
    | 'changed by others'
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
 * first, because a verifier without its policy and trust refuses every image, and the record last, so
 * that a killed run can go on. For the same reason everything stays when a file that we did not write
 * stands in the verifier's place.
 */
export function planUninstall(state: HostState, layout: HostLayout): UninstallPlan {
  const { manifest, entries, leftovers } = state;
  const verifier = entries.get(layout.verifierFile);
  const written = manifest.files.get(layout.verifierFile) ?? [];
  if (verifier !== undefined && !isOurs(verifier, written)) return leaveAll(state, layout);

  const steps: Step[] = leftovers.map((path) => ({ kind: 'clean', path }));
  const left: LeftFile[] = [];
  for (const path of verifierFirst([...manifest.files.keys()], layout)) {
    const actual = entries.get(path);
    if (isOurs(actual, manifest.files.get(path) ?? [])) steps.push({ kind: 'remove', path });
    else if (actual !== undefined) left.push({ path, reason: 'changed by others' });
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

function leaveAll({ manifest, entries }: HostState, layout: HostLayout): UninstallPlan {
  const recorded = manifest.files.has(layout.verifierFile);
  const reason = recorded ? 'changed by others' : 'not installed by nodeseal';
  const others = [...manifest.files.keys()].filter(
    (path) => path !== layout.verifierFile && entries.has(path),
  );
  return {
    steps: [],
    left: [
      { path: layout.verifierFile, reason },
      ...others.map((path) => ({ path, reason: 'needed by the verifier' }) as const),
    ],
  };
}

function verifierFirst(paths: readonly string[], layout: HostLayout): string[] {
  const order: readonly (Place | null)[] = [...PLACES].reverse();
  const rank = (path: string): number => order.indexOf(placeOf(layout, path));
  return [...paths].sort((a, b) => rank(a) - rank(b));
}
