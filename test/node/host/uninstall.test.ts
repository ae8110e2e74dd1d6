import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { installOnHost, uninstallFromHost } from '../../../agent/node/host/install.ts';
import { createLayout } from '../../../agent/node/host/layout.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { createHostRoot, put, requestFor, snapshot, withoutLock } from '../../support/host-root.ts';

const LAYOUT = createLayout();
const TRUST = `${LAYOUT.trustStoreDir}/x509/ca/acme/root.crt`;

describe('uninstalling', () => {
  it('leaves the host as it was, the verifier gone first', async () => {
    const root = createHostRoot();
    put(root, '/etc/containerd/config.toml', 'version = 3');
    put(root, '/opt/containerd/image-verifier/bin/other', 'theirs');
    const before = snapshot(root);
    await installOnHost(requestFor(root));
    const { removed, left } = await uninstallFromHost({ hostRoot: root });
    expect(removed).toEqual([LAYOUT.verifierFile, LAYOUT.settingsFile, LAYOUT.policyFile, TRUST]);
    expect(left).toEqual([]);
    expect(withoutLock(snapshot(root))).toEqual(before);
  });

  it('leaves nothing on a host that had nothing', async () => {
    const root = createHostRoot();
    await installOnHost(requestFor(root));
    await uninstallFromHost({ hostRoot: root });
    expect(withoutLock(snapshot(root))).toEqual({});
  });

  it('does nothing on a host where nothing is installed', async () => {
    const root = createHostRoot();
    expect(await uninstallFromHost({ hostRoot: root })).toEqual({ removed: [], left: [] });
    expect(withoutLock(snapshot(root))).toEqual({});
  });

  it('leaves a file that others changed, and says so', async () => {
    const root = createHostRoot();
    await installOnHost(requestFor(root));
    put(root, LAYOUT.policyFile, '{"theirs":true}');
    const { removed, left } = await uninstallFromHost({ hostRoot: root });
    expect(left).toEqual([{ path: LAYOUT.policyFile, reason: 'changed by others' }]);
    expect(removed).not.toContain(LAYOUT.policyFile);
    expect(readFileSync(join(root, LAYOUT.policyFile), 'utf8')).toBe('{"theirs":true}');
  });

  it('leaves everything when the verifier is not the one that was installed: it needs the rest', async () => {
    const root = createHostRoot();
    await installOnHost(requestFor(root));
    put(root, LAYOUT.verifierFile, 'theirs');
    const before = withoutLock(snapshot(root));
    const { removed, left } = await uninstallFromHost({ hostRoot: root });
    expect(removed).toEqual([]);
    expect(left).toContainEqual({ path: LAYOUT.verifierFile, reason: 'changed by others' });
    expect(left).toContainEqual({ path: LAYOUT.policyFile, reason: 'needed by the verifier' });
    expect(withoutLock(snapshot(root))).toEqual(before);
  });

  it('leaves a verifier that was never recorded', async () => {
    const root = createHostRoot();
    put(root, LAYOUT.verifierFile, 'theirs');
    const { left } = await uninstallFromHost({ hostRoot: root });
    expect(left).toEqual([{ path: LAYOUT.verifierFile, reason: 'not installed by nodeseal' }]);
    expect(readFileSync(join(root, LAYOUT.verifierFile), 'utf8')).toBe('theirs');
  });

  it.each([
    ['is no JSON', () => '{'],
    ['is of another version', (text: string) => text.replace('"version": 1', '"version": 2')],
    [
      'names a file that is not ours',
      (text: string) => text.replace(LAYOUT.policyFile, '/etc/containerd/config.toml'),
    ],
    [
      'names a file by way of another directory',
      (text: string) => text.replace('x509/ca/acme/root.crt', 'x509/ca/../../../../config.toml'),
    ],
    ['has a digest that is none', (text: string) => text.replace(/"[0-9a-f]{64}"/, '"00"')],
    ['is too large', (text: string) => text + ' '.repeat(1024 * 1024)],
  ])('refuses a record that %s, removing nothing', async (_, breakIt) => {
    const root = createHostRoot();
    put(root, '/etc/containerd/config.toml', 'version = 3');
    await installOnHost(requestFor(root));
    const record = join(root, LAYOUT.manifestFile);
    writeFileSync(record, breakIt(readFileSync(record, 'utf8')));
    const before = withoutLock(snapshot(root));
    const error = await expectCodeAsync(uninstallFromHost({ hostRoot: root }), 'host_write_failed');
    expect(error.message).toContain('install once more');
    expect(withoutLock(snapshot(root))).toEqual(before);
  });
});
