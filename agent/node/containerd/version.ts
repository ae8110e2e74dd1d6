// The version of the running containerd, and whether it verifies what kubelet pulls.
import type { ContainerdClient } from './client.ts';
import { METHODS } from './descriptors.ts';

/** As containerd says it, e.g. `2.1.9` or `v2.3.4`, with whatever its packager added. */
export interface ContainerdVersion {
  readonly version: string;
  readonly revision: string;
}

/** Asks containerd for its version. Throws `containerd_unavailable` or `containerd_failed`. */
export async function fetchVersion(
  client: ContainerdClient,
  signal?: AbortSignal,
): Promise<ContainerdVersion> {
  return client.call(METHODS.version, {}, { signal });
}

/**
 * Tells whether a containerd of this version runs image verifiers for CRI pulls: 2.1 and later do,
 * 2.0 runs them for `ctr` only, 1.7 has none. False for text that is no version. Says nothing about
 * the configuration, which can turn them off in any version.
 */
export function isSupported(version: string): boolean {
  return isAtLeast(version, [2, 1]);
}

/** Whether a version is a given one or later. False for text that is no version. */
export function isAtLeast(version: string, [major, minor]: readonly [number, number]): boolean {
  const match = /^v?(\d{1,4})\.(\d{1,4})(?![\d])/.exec(version);
  if (match === null) return false;
  const [ownMajor, ownMinor] = [Number(match[1]), Number(match[2])];
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
