// Which directories of the host the verifier goes into: a choice between what is set, what
// containerd says and what is recorded.
import { dirname } from 'node:path';
import { type HostFs, NODE_HOST_FS } from './host-fs.ts';
import { createLayout, DEFAULT_BIN_DIR, placeOf } from './layout.ts';
import { readManifest } from './observe.ts';

/** Where containerd looks by its configuration, and then where it may look until it is started anew. */
export type BinDirs = readonly [first: string, ...older: string[]];

/** What is known. */
export interface BinDirEvidence {
  /** By whoever runs the node; nothing else counts then. */
  readonly set?: string | undefined;
  /** Of the running containerd; null when it could not be asked, or says what cannot be followed. */
  readonly effective: { readonly path: string; readonly isInForce: boolean } | null;
  /** Where the verifier was put. */
  readonly installed: readonly string[];
}

/**
 * Chooses. Until a changed `bin_dir` is in force, the verifier stays where it was too: at no moment
 * may containerd look into a directory that it has just left.
 */
export function chooseBinDirs({ set, effective, installed }: BinDirEvidence): BinDirs {
  if (set !== undefined) return [set];
  if (effective === null) {
    const [first = DEFAULT_BIN_DIR, ...older] = installed;
    return [first, ...older];
  }
  const { path, isInForce } = effective;
  return isInForce ? [path] : [path, ...installed.filter((one) => one !== path)];
}

/** The directories that the record names; none without a record that can be read. Throws `host_write_failed`. */
export async function readInstalledBinDirs(
  hostRoot: string,
  fs: HostFs = NODE_HOST_FS,
): Promise<readonly string[]> {
  const layout = createLayout();
  const { manifest } = await readManifest(fs, hostRoot, layout);
  const verifiers = [...manifest.files.keys()].filter(
    (path) => placeOf(layout, path) === 'verifier',
  );
  return verifiers.map((path) => dirname(path));
}
