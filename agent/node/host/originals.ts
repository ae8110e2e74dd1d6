// Files of others that stood where policy and trust go: kept aside before ours replace them, and put back when ours go.
import { basename, dirname, join } from 'node:path';
import type { Attributes } from './host-fs.ts';
import { type HostLayout, placeOf, stagingDirOf, verifierFiles } from './layout.ts';
import type { Original } from './manifest.ts';
import type { HostState, Step } from './host-state.ts';

type WriteStep = Extract<Step, { kind: 'write' }>;

/** Where the bytes of an original are kept. */
export function keptPath(layout: HostLayout, { sha256 }: Original): string {
  return join(layout.ownDir, 'originals', sha256);
}

/** Tells whether a path is that of a kept original. */
export function isKeptPath(layout: HostLayout, path: string): boolean {
  return (
    dirname(path) === join(layout.ownDir, 'originals') && /^[0-9a-f]{64}$/.test(basename(path))
  );
}

/**
 * Finds what stands where we write for the first time. The names of verifier and settings are ours
 * alone; and where a verifier stands but no record, the record was lost and all of it is ours.
 */
export function findOriginals(
  wanted: Iterable<string>,
  { entries, manifest }: HostState,
  layout: HostLayout,
): ReadonlyMap<string, Original> {
  const found = new Map<string, Original>();
  const isInstalled = verifierFiles(layout).some((path) => entries.has(path));
  if (manifest.files.size === 0 && isInstalled) return found;
  for (const path of wanted) {
    const [actual, place] = [entries.get(path), placeOf(layout, path)];
    if (manifest.files.has(path) || actual?.kind !== 'file') continue;
    if (place !== 'policy' && place !== 'trust') continue;
    const { sha256, mode, uid, gid } = actual;
    found.set(path, { sha256, mode, uid, gid });
  }
  return found;
}

/** Keeps an original; done before its path is known as ours. */
export function keepStep(
  path: string,
  original: Original,
  layout: HostLayout,
  owner: Omit<Attributes, 'mode'>,
): WriteStep {
  const kept = keptPath(layout, original);
  const stagingDir = stagingDirOf(layout, kept);
  const content = { kind: 'host', sha256: original.sha256, path } as const;
  return {
    kind: 'write',
    path: kept,
    stagingDir,
    content,
    mode: 0o600,
    ...owner,
  };
}

/** Puts an original back; null when what was kept of it is not there any more. */
export function restoreStep(
  path: string,
  original: Original,
  { entries }: HostState,
  layout: HostLayout,
): WriteStep | null {
  const from = keptPath(layout, original);
  const kept = entries.get(from);
  if (kept?.kind !== 'file' || kept.sha256 !== original.sha256) return null;
  const { sha256, ...attributes } = original;
  const stagingDir = stagingDirOf(layout, path);
  return {
    kind: 'write',
    path,
    stagingDir,
    content: { kind: 'host', sha256, path: from },
    ...attributes,
  };
}

/** Removes a file of ours, or puts back what stood there before. */
export function removeStep(path: string, state: HostState, layout: HostLayout): Step {
  const original = state.manifest.originals.get(path);
  const restore = original === undefined ? null : restoreStep(path, original, state, layout);
  return restore ?? { kind: 'remove', path };
}

/** Where originals are kept and still are. */
export function keptPaths({ manifest, entries }: HostState, layout: HostLayout): string[] {
  const paths = [...manifest.originals.values()].map((original) => keptPath(layout, original));
  return [...new Set(paths)].filter((path) => entries.has(path));
}
