// bin_dir moves: the verifier is in the new place before it leaves the old one, whenever a run is killed.
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  installOnHost,
  type InstallRequest,
  previewInstall,
  uninstallFromHost,
} from '../../../agent/node/host/install.ts';
import { createLayout, stagingDirs } from '../../../agent/node/host/layout.ts';
import { type HostFs, NODE_HOST_FS } from '../../../agent/node/host/host-fs.ts';
import { createHostRoot, put, requestFor, snapshot, withoutLock } from '../../support/host-root.ts';
import { killAt } from '../../support/killed-fs.ts';

const OLD = createLayout('/opt/containerd/old/bin');
const BOTH = createLayout('/srv/verifiers/bin', '/opt/containerd/old/bin');
const NEW = createLayout('/srv/verifiers/bin');
const NEXT = '#!/bin/sh\nexit 1\n';

/** A host as every one is, with a policy of others. */
function host(): string {
  const root = createHostRoot();
  mkdirSync(join(root, 'opt'));
  mkdirSync(join(root, 'srv'));
  put(root, OLD.policyFile, 'theirs');
  return root;
}

const at = (root: string, layout: { readonly verifierFile: string }) =>
  join(root, layout.verifierFile);

async function installedAt(root: string, layout = OLD): Promise<void> {
  await installOnHost(requestFor(root, { layout }));
}

/** To another place and another generation at once. */
function move(root: string, layout = NEW, fs: HostFs = NODE_HOST_FS): InstallRequest {
  return requestFor(root, { layout, verifier: NEXT, fs });
}

describe('a bin_dir that moves', () => {
  it('has the verifier in the new place first, and then nothing in the old one', async () => {
    const root = host();
    await installedAt(root);
    const { steps, changed, drift } = await previewInstall(move(root));
    const done = steps.map(({ kind, path }) => `${kind} ${path}`);
    const [written, removed, emptied] = [
      `write ${NEW.verifierFile}`,
      `remove ${OLD.verifierFile}`,
      'rmdir /opt/containerd/old/bin',
    ].map((step) => done.indexOf(step)) as [number, number, number];
    expect(written).toBeGreaterThan(0);
    expect(removed).toBeGreaterThan(written);
    expect(emptied).toBeGreaterThan(removed);
    expect(changed).toEqual([NEW.verifierFile, OLD.verifierFile]);
    expect(drift).toEqual([]);
    await installOnHost(move(root));
    expect(existsSync(join(root, '/opt/containerd'))).toBe(false);
    expect(await previewInstall(move(root))).toMatchObject({ steps: [], drift: [] });
  });

  it('has it in both until the change is in force, and upgrades both', async () => {
    const root = host();
    await installedAt(root);
    await installOnHost(move(root, BOTH));
    for (const layout of [OLD, NEW]) {
      expect(readFileSync(at(root, layout), 'utf8')).toBe(NEXT);
      expect(statSync(at(root, layout)).mode & 0o7777).toBe(0o755);
    }
    await installOnHost(move(root));
    expect([existsSync(at(root, OLD)), existsSync(at(root, NEW))]).toEqual([false, true]);
  });

  it('and back leaves everything as if it never had', async () => {
    const root = host();
    await installedAt(root);
    const before = withoutLock(snapshot(root));
    for (const layout of [
      BOTH,
      NEW,
      createLayout('/opt/containerd/old/bin', '/srv/verifiers/bin'),
    ]) {
      await installedAt(root, layout);
    }
    await installedAt(root, OLD);
    expect(withoutLock(snapshot(root))).toEqual(before);
  });

  it('leaves a verifier in the old place that others have changed, and says so', async () => {
    const root = host();
    await installedAt(root);
    writeFileSync(at(root, OLD), 'theirs');
    const { left } = await installOnHost(move(root));
    expect(left).toEqual([OLD.verifierFile]);
    expect(readFileSync(at(root, OLD), 'utf8')).toBe('theirs');
  });

  it.each([
    ['a symbolic link', (root: string) => symlinkSync('containerd/old', join(root, '/opt/link'))],
    [
      'an absolute one',
      (root: string) => symlinkSync('/opt/containerd/old', join(root, '/opt/link')),
    ],
  ])('by %s to the same directory keeps its only verifier', async (_, link) => {
    const root = host();
    await installedAt(root);
    link(root);
    const linked = createLayout('/opt/link/bin');
    for (const layout of [createLayout('/opt/link/bin', '/opt/containerd/old/bin'), linked, OLD]) {
      await installOnHost(move(root, layout));
      expect(readFileSync(at(root, OLD), 'utf8')).toBe(NEXT);
      expect(await previewInstall(move(root, layout))).toMatchObject({ steps: [], drift: [] });
    }
    const { removed } = await uninstallFromHost({ hostRoot: root, layout: linked });
    expect(removed[0]).toBe(OLD.verifierFile);
    expect(existsSync(at(root, OLD))).toBe(false);
  });

  it.each([
    ['at once', NEW],
    ['not in force yet', BOTH],
  ])('%s, and whose move is killed anywhere, always has a verifier', async (_, layout) => {
    const clean = host();
    await installedAt(clean);
    await installOnHost(move(clean, layout));
    for (let count = 1; ; count++) {
      const root = host();
      await installedAt(root);
      const failing = killAt(count);
      await installOnHost(move(root, layout, failing.fs)).catch(() => undefined);
      const present = [OLD, NEW].filter((one) => existsSync(at(root, one)));
      // Until the new one is there, the old one is all that containerd has.
      expect(present.length).toBeGreaterThan(0);
      for (const one of present) expect(readFileSync(at(root, one), 'utf8')).toMatch(/exit [01]/);
      await installOnHost(move(root, layout));
      expect(withoutLock(snapshot(root))).toEqual(withoutLock(snapshot(clean)));
      if (!failing.killed()) break;
    }
  });

  it('again while its move was killed leaves nothing in any of the three', async () => {
    const third = createLayout('/opt/third/bin');
    for (let count = 1; ; count += 2) {
      const root = host();
      await installedAt(root);
      const failing = killAt(count);
      await installOnHost(move(root, BOTH, failing.fs)).catch(() => undefined);
      await installOnHost(move(root, third));
      expect([OLD, NEW, third].map((one) => existsSync(at(root, one)))).toEqual([
        false,
        false,
        true,
      ]);
      for (const dir of [...stagingDirs(BOTH), ...stagingDirs(third)]) {
        expect(existsSync(join(root, dir))).toBe(false);
      }
      if (!failing.killed()) break;
    }
  });

  it('and is uninstalled, whatever was killed before, is gone from both places', async () => {
    for (let count = 1; ; count += 2) {
      const root = host();
      const before = withoutLock(snapshot(root));
      await installedAt(root);
      const failing = killAt(count);
      await installOnHost(move(root, BOTH, failing.fs)).catch(() => undefined);
      // The record says where it is, wherever uninstalling would have put it.
      await uninstallFromHost({ hostRoot: root, layout: createLayout('/nowhere') });
      expect(withoutLock(snapshot(root))).toEqual(before);
      if (!failing.killed()) break;
    }
  });

  it('keeps everything that a changed verifier in one of both places needs', async () => {
    const root = host();
    await installOnHost(move(root, BOTH));
    writeFileSync(at(root, OLD), 'theirs');
    const { removed, left } = await uninstallFromHost({ hostRoot: root, layout: NEW });
    expect(removed).toEqual([]);
    expect(left).toContainEqual({ path: OLD.verifierFile, reason: 'changed by others' });
    expect(existsSync(join(root, OLD.settingsFile))).toBe(true);
  });
});
