// Installing and uninstalling on the trees of the platforms: every other file keeps its checksum, mode and owner.
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { installOnHost, uninstallFromHost } from '../../../agent/node/host/install.ts';
import { createLayout } from '../../../agent/node/host/layout.ts';
import { containerdConfig } from '../../support/containerd-config.ts';
import { createHostRoot, put, requestFor, snapshot, withoutLock } from '../../support/host-root.ts';
import { PLATFORM_TREES, type PlatformTree } from '../../support/platform-trees.ts';

const LAYOUT = createLayout();
const THEIRS = '/opt/containerd/image-verifier/bin/theirs';

/** A node of the platform, with another verifier and another trust store on it. */
function hostOf({ osId, markers, configPath, config }: PlatformTree): string {
  const root = createHostRoot();
  put(root, '/etc/os-release', `ID=${osId}\n`);
  put(root, configPath, containerdConfig(config));
  for (const path of markers) put(root, path, '');
  put(root, '/etc/containerd/conf.d/theirs.toml', 'version = 3\n');
  put(root, THEIRS, '#!/bin/sh\nexit 0\n');
  chmodSync(join(root, THEIRS), 0o700);
  put(root, `${LAYOUT.trustStoreDir}/x509/ca/theirs/root.crt`, 'theirs');
  return root;
}

it.each(PLATFORM_TREES)('leaves $title as it was', async (platform) => {
  const root = hostOf(platform);
  const before = snapshot(root);
  await installOnHost(requestFor(root));
  expect(snapshot(root)).toMatchObject(before);
  await installOnHost(requestFor(root, { trustFiles: [], verifier: '#!/bin/sh\nexit 1\n' }));
  expect(snapshot(root)).toMatchObject(before);
  expect((await uninstallFromHost({ hostRoot: root })).left).toEqual([]);
  expect(withoutLock(snapshot(root))).toEqual(before);
});

it.each([
  ['/opt is a link, as on ostree and Flatcar', 'opt', '/var/opt'],
  ['/etc/containerd is a link', 'etc/containerd', '../var/etc-containerd'],
])('leaves a host where %s as it was', async (_, link, target) => {
  const root = createHostRoot();
  mkdirSync(join(root, 'etc'));
  mkdirSync(join(root, 'var/opt'), { recursive: true });
  mkdirSync(join(root, 'var/etc-containerd'));
  symlinkSync(target, join(root, link));
  const before = snapshot(root);
  await installOnHost(requestFor(root));
  await uninstallFromHost({ hostRoot: root });
  expect(withoutLock(snapshot(root))).toEqual(before);
});

it('goes to the bin_dir that containerd is set to, and comes off it', async () => {
  const root = createHostRoot();
  put(root, '/home/kubernetes/bin/containerd', 'theirs');
  const before = snapshot(root);
  const layout = createLayout('/home/kubernetes/bin/image-verifier');
  await installOnHost(requestFor(root, { layout }));
  expect(Object.keys(snapshot(root))).toContain(
    '/home/kubernetes/bin/image-verifier/nodeseal-verifier',
  );
  await uninstallFromHost({ hostRoot: root, layout });
  expect(withoutLock(snapshot(root))).toEqual(before);
});
