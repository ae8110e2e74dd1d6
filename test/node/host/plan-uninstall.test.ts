import { describe, expect, it } from 'vitest';
import type { Actual, HostState } from '../../../agent/node/host/host-state.ts';
import { createLayout } from '../../../agent/node/host/layout.ts';
import { EMPTY_MANIFEST } from '../../../agent/node/host/manifest.ts';
import { planUninstall } from '../../../agent/node/host/plan-uninstall.ts';

const LAYOUT = createLayout();
const SHA256 = 'a'.repeat(64);
const OURS: Actual = { kind: 'file', sha256: SHA256, mode: 0o644, uid: 0, gid: 0 };
const DIRECTORY: Actual = { kind: 'directory', mode: 0o755, uid: 0, gid: 0 };
const STORE = `${LAYOUT.trustStoreDir}/x509/ca/acme`;

/** A host that holds these files because we installed them, in directories that we made. */
function hostOf(files: readonly string[], directories: readonly string[]): HostState {
  const entries = new Map<string, Actual>([
    ...[LAYOUT.ownDir, ...directories].map((path) => [path, DIRECTORY] as const),
    ...[LAYOUT.manifestFile, ...files].map((path) => [path, OURS] as const),
  ]);
  const written = new Map(files.map((path) => [path, [SHA256]]));
  return {
    entries,
    leftovers: [],
    manifest: { files: written, directories, originals: new Map() },
  };
}

function stepsFor(state: HostState): string[] {
  return planUninstall(state, LAYOUT).steps.map(({ kind, path }) => `${kind} ${path}`);
}

describe('a plan to uninstall', () => {
  it('takes the verifier first, the record last, and each directory once what is in it is gone', () => {
    const files = [`${STORE}/root.crt`, LAYOUT.policyFile, LAYOUT.settingsFile];
    const directories = ['/opt', '/opt/containerd', LAYOUT.trustStoreDir, STORE];
    expect(stepsFor(hostOf([...files, LAYOUT.verifierFile], directories))).toEqual([
      `remove ${LAYOUT.verifierFile}`,
      `remove ${LAYOUT.settingsFile}`,
      `remove ${LAYOUT.policyFile}`,
      `remove ${STORE}/root.crt`,
      `rmdir ${STORE}`,
      `rmdir ${LAYOUT.trustStoreDir}`,
      'rmdir /opt/containerd',
      `remove ${LAYOUT.manifestFile}`,
      `rmdir ${LAYOUT.ownDir}`,
      'rmdir /opt',
    ]);
  });

  it('goes on where a killed run stopped, with the record alone or its directory alone', () => {
    const record = hostOf([], []);
    expect(stepsFor(record)).toEqual([`remove ${LAYOUT.manifestFile}`, `rmdir ${LAYOUT.ownDir}`]);
    const entries = new Map([[LAYOUT.ownDir, DIRECTORY]]);
    expect(stepsFor({ ...record, entries })).toEqual([`rmdir ${LAYOUT.ownDir}`]);
  });

  it('is none for a host that holds nothing of ours', () => {
    const entries = new Map([['/opt', DIRECTORY]]);
    expect(stepsFor({ entries, leftovers: [], manifest: EMPTY_MANIFEST })).toEqual([]);
  });

  it('takes a directory besides ours whose name starts as ours does before the record', () => {
    const beside = LAYOUT.ownDir.slice(0, -1);
    expect(stepsFor(hostOf([], [beside]))).toEqual([
      `rmdir ${beside}`,
      `remove ${LAYOUT.manifestFile}`,
      `rmdir ${LAYOUT.ownDir}`,
    ]);
  });
});
