// Where the verifier goes: what is set, what containerd says, and what is recorded.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chooseBinDirs, readInstalledBinDirs } from '../../../agent/node/host/bin-dirs.ts';
import { installOnHost, uninstallFromHost } from '../../../agent/node/host/install.ts';
import {
  createLayout,
  DEFAULT_BIN_DIR,
  isOwnDirectory,
  placeOf,
  stagingDirOf,
} from '../../../agent/node/host/layout.ts';
import { createHostRoot, put, requestFor } from '../../support/host-root.ts';

const inForce = { path: '/new', isInForce: true };
const notYet = { path: '/new', isInForce: false };

describe('the choice of directories', () => {
  it.each([
    ['what is set, whatever else is known', '/set', inForce, ['/old'], ['/set']],
    ['where containerd looks', undefined, inForce, [], ['/new']],
    ['where containerd looks, and no longer where it was', undefined, inForce, ['/old'], ['/new']],
    ['both until the change is in force', undefined, notYet, ['/old'], ['/new', '/old']],
    ['one where nothing moves', undefined, notYet, ['/new'], ['/new']],
    ['all where it was moved twice', undefined, notYet, ['/b', '/a'], ['/new', '/b', '/a']],
    ['where it was, where containerd cannot be asked', undefined, null, ['/old'], ['/old']],
    ['containerd’s default, where nothing is known', undefined, null, [], [DEFAULT_BIN_DIR]],
  ])('is %s', (_, set, effective, installed, expected) => {
    expect(chooseBinDirs({ set, effective, installed })).toEqual(expected);
  });
});

describe('the record of directories', () => {
  it('names each that the verifier was put into, and none before and after', async () => {
    const root = createHostRoot();
    mkdirSync(join(root, 'opt'));
    expect(await readInstalledBinDirs(root)).toEqual([]);
    const layout = createLayout('/srv/new', '/srv/old');
    await installOnHost(requestFor(root, { layout }));
    expect((await readInstalledBinDirs(root)).toSorted()).toEqual(['/srv/new', '/srv/old']);
    await uninstallFromHost({ hostRoot: root });
    expect(await readInstalledBinDirs(root)).toEqual([]);
  });

  it('is none where it cannot be read', async () => {
    const root = createHostRoot();
    put(root, createLayout().manifestFile, '{');
    expect(await readInstalledBinDirs(root)).toEqual([]);
  });
});

describe('a layout', () => {
  it('takes only our verifier for one, in whatever directory, and a trust file for trust', () => {
    const layout = createLayout();
    expect(placeOf(layout, '/srv/bin/nodeseal-verifier')).toBe('verifier');
    expect(placeOf(layout, '/srv/bin/other-nodeseal-verifier')).toBeNull();
    expect(placeOf(layout, `${layout.trustStoreDir}/x509/ca/a/nodeseal-verifier`)).toBe('trust');
  });

  it('stages beside each bin_dir, and takes what is above one for nobody’s but its own', () => {
    const layout = createLayout('/verifiers', '/srv/old/bin');
    expect(stagingDirOf(layout, layout.verifierFile)).toBe('/.nodeseal-staging');
    expect(stagingDirOf(layout, '/srv/old/bin/nodeseal-verifier')).toBe(
      '/srv/old/.nodeseal-staging',
    );
    const own = ['/verifiers', '/srv/old', '/srv', '/opt'].map((path) =>
      isOwnDirectory(layout, path),
    );
    expect(own).toEqual([true, true, false, false]);
  });
});
