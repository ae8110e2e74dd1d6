import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Drift } from '../../../agent/node/host/drift.ts';
import { type HostFs, NODE_HOST_FS } from '../../../agent/node/host/host-fs.ts';
import {
  installOnHost,
  type InstallRequest,
  previewInstall,
} from '../../../agent/node/host/install.ts';
import { createLayout } from '../../../agent/node/host/layout.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { createHostRoot, put, requestFor, snapshot } from '../../support/host-root.ts';

const LAYOUT = createLayout();
const TRUST = `${LAYOUT.trustStoreDir}/x509/ca/acme/root.crt`;

async function installed() {
  const root = createHostRoot();
  const request = requestFor(root);
  await installOnHost(request);
  return { root, request };
}

/** What is found, and that installing puts it back. */
async function mended(request: InstallRequest): Promise<readonly Drift[]> {
  const found: Drift[] = [];
  await installOnHost({ ...request, onDrift: (drift) => found.push(...drift) });
  expect((await previewInstall(request)).drift).toEqual([]);
  return found;
}

describe('drift', () => {
  it('is none on a host that holds nothing, or all of it, or that is upgraded', async () => {
    const root = createHostRoot();
    expect((await previewInstall(requestFor(root))).drift).toEqual([]);
    await installOnHost(requestFor(root));
    expect((await previewInstall(requestFor(root))).drift).toEqual([]);
    const next = requestFor(root, { verifier: '#!/bin/sh\nexit 1\n', settings: { next: true } });
    expect((await previewInstall(next)).drift).toEqual([]);
  });

  it.each([
    ['changed', 'policy', LAYOUT.policyFile, (path: string) => writeFileSync(path, '{}')],
    ['removed', 'trust', TRUST, (path: string) => rmSync(path)],
    ['attributes', 'verifier', LAYOUT.verifierFile, (path: string) => chmodSync(path, 0o4755)],
    ['attributes', 'settings', LAYOUT.settingsFile, (path: string) => chmodSync(path, 0o666)],
    ['attributes', 'directory', LAYOUT.ownDir, (path: string) => chmodSync(path, 0o777)],
    ['attributes', 'directory', join(TRUST, '..'), (path: string) => chmodSync(path, 0o700)],
    ['replaced', 'verifier', LAYOUT.verifierFile, asLink],
    ['replaced', 'policy', LAYOUT.policyFile, asEmptyDirectory],
    ['changed', 'record', LAYOUT.manifestFile, (path: string) => writeFileSync(path, '{')],
    ['changed', 'record', LAYOUT.manifestFile, asLink],
    ['removed', 'record', LAYOUT.manifestFile, (path: string) => rmSync(path)],
  ])('that is %s, of %s, is found and put back', async (kind, place, path, touch) => {
    const { root, request } = await installed();
    const before = snapshot(root);
    touch(join(root, path));
    expect(await mended(request)).toEqual([{ path, place, kind }]);
    // A record that was lost no longer tells which directories we made.
    if (place !== 'record') expect(snapshot(root)).toEqual(before);
  });

  it('is not what the host’s own policy and trust become where they are not given', async () => {
    const { root, request } = await installed();
    put(root, LAYOUT.policyFile, '{"theirs":true}');
    const { policyBytes, ...rest } = request;
    expect(policyBytes).toBeDefined();
    expect((await previewInstall(rest)).drift).toEqual([]);
    expect(readFileSync(join(root, LAYOUT.policyFile), 'utf8')).toBe('{"theirs":true}');
  });

  it('is not what becomes of a file that is wanted no more, unless others wrote it', async () => {
    const { root } = await installed();
    const found = async () => (await previewInstall(requestFor(root, { trustFiles: [] }))).drift;
    chmodSync(join(root, TRUST), 0o666);
    expect(await found()).toEqual([]);
    put(root, TRUST, 'theirs');
    expect(await found()).toEqual([{ path: TRUST, place: 'trust', kind: 'changed' }]);
    rmSync(join(root, TRUST));
    expect(await found()).toEqual([]);
  });

  it('is not the mode of a directory that is not for us alone, though we made it', async () => {
    const { root, request } = await installed();
    for (const path of ['/opt', '/opt/containerd', '/etc/containerd']) {
      chmodSync(join(root, path), 0o700);
    }
    expect((await previewInstall(request)).drift).toEqual([]);
  });

  it('is not what others have where nothing of ours is installed', async () => {
    const root = createHostRoot();
    put(root, `${LAYOUT.ownDir}/theirs`, '');
    chmodSync(join(root, LAYOUT.ownDir), 0o700);
    put(root, LAYOUT.verifierFile, 'theirs');
    expect((await previewInstall(requestFor(root))).drift).toEqual([]);
  });

  it('is the loss of the record also where but one of two verifiers is left to tell', async () => {
    const root = createHostRoot();
    const layout = createLayout(undefined, '/srv/bin');
    const request = requestFor(root, { layout });
    await installOnHost(request);
    rmSync(join(root, LAYOUT.manifestFile));
    rmSync(join(root, LAYOUT.verifierFile));
    const lost = { path: LAYOUT.manifestFile, place: 'record', kind: 'removed' };
    expect((await previewInstall(request)).drift).toEqual([lost]);
  });

  it('that is a directory with something in it is found, and left with a remedy', async () => {
    const { root, request } = await installed();
    rmSync(join(root, LAYOUT.verifierFile));
    put(root, `${LAYOUT.verifierFile}/theirs`, 'kept');
    const found: Drift[] = [];
    const onDrift = (drift: readonly Drift[]) => found.push(...drift);
    const error = await expectCodeAsync(
      installOnHost({ ...request, onDrift }),
      'host_write_failed',
    );
    expect(error.message).toContain('not empty');
    expect(found).toEqual([{ path: LAYOUT.verifierFile, place: 'verifier', kind: 'replaced' }]);
    expect(readFileSync(join(root, LAYOUT.verifierFile, 'theirs'), 'utf8')).toBe('kept');
  });

  it.each([
    ['a file', 'policy', LAYOUT.policyFile, LAYOUT.policyFile],
    ['bin_dir', 'verifier', join(LAYOUT.verifierFile, '..'), LAYOUT.verifierFile],
    ['a trust store', 'trust', join(TRUST, '..'), TRUST],
  ])('that is a mount over %s is found, and told how to undo', async (_, place, at, path) => {
    const { root, request } = await installed();
    const fs: HostFs = {
      ...NODE_HOST_FS,
      mountPoints: () => Promise.resolve(new Set(['/', join(root, at)])),
    };
    const found: Drift[] = [];
    const onDrift = (drift: readonly Drift[]) => found.push(...drift);
    const error = await expectCodeAsync(
      installOnHost({ ...request, fs, onDrift }),
      'host_write_failed',
    );
    expect(error.message).toContain(`mounted at ${at}; unmount it`);
    expect(found).toEqual([{ path, place, kind: 'shadowed' }]);
  });

  it('is not a mount above all that is ours, as a pod has it', async () => {
    const { root, request } = await installed();
    const mounts = new Set(['/', root, join(root, 'opt'), join(root, LAYOUT.ownDir)]);
    const fs: HostFs = { ...NODE_HOST_FS, mountPoints: () => Promise.resolve(mounts) };
    expect((await previewInstall({ ...request, fs })).drift).toEqual([]);
  });
});

function asLink(path: string): void {
  rmSync(path);
  symlinkSync('/dev/null', path);
}

function asEmptyDirectory(path: string): void {
  rmSync(path);
  mkdirSync(path);
}
