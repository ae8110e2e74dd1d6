import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

  it('has the verifier need what is there, and not what is gone', async () => {
    const root = createHostRoot();
    await installOnHost(requestFor(root));
    put(root, LAYOUT.verifierFile, 'theirs');
    rmSync(join(root, TRUST));
    const { left } = await uninstallFromHost({ hostRoot: root });
    expect(left.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual(
      [
        { path: LAYOUT.verifierFile, reason: 'changed by others' },
        { path: LAYOUT.policyFile, reason: 'needed by the verifier' },
        { path: LAYOUT.settingsFile, reason: 'needed by the verifier' },
      ].sort((a, b) => (a.path < b.path ? -1 : 1)),
    );
  });

  it('says nothing of a file that is gone already', async () => {
    const root = createHostRoot();
    await installOnHost(requestFor(root));
    rmSync(join(root, TRUST));
    const { removed, left } = await uninstallFromHost({ hostRoot: root });
    expect(removed).toEqual([LAYOUT.verifierFile, LAYOUT.settingsFile, LAYOUT.policyFile]);
    expect(left).toEqual([]);
    expect(withoutLock(snapshot(root))).toEqual({});
  });

  it('says that a file stands there as it was before, whoever put it back', async () => {
    const root = createHostRoot();
    put(root, LAYOUT.policyFile, 'theirs');
    await installOnHost(requestFor(root));
    put(root, LAYOUT.policyFile, 'theirs');
    const { left } = await uninstallFromHost({ hostRoot: root });
    expect(left).toEqual([{ path: LAYOUT.policyFile, reason: 'put back as it was before' }]);
    expect(readFileSync(join(root, LAYOUT.policyFile), 'utf8')).toBe('theirs');
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

describe('files of others where ours go', () => {
  const THEIRS = '{"theirs":true}';

  /** A host with a policy and a certificate of others. */
  function host() {
    const root = createHostRoot();
    put(root, LAYOUT.policyFile, THEIRS);
    chmodSync(join(root, LAYOUT.policyFile), 0o640);
    put(root, TRUST, 'theirs');
    return { root, before: snapshot(root) };
  }

  it('are kept aside and put back, through upgrades and interruptions', async () => {
    const { root, before } = host();
    await installOnHost(requestFor(root));
    expect(readFileSync(join(root, LAYOUT.policyFile), 'utf8')).not.toBe(THEIRS);
    expect(await installOnHost(requestFor(root))).toEqual({ changed: [], left: [] });
    await installOnHost(requestFor(root, { policyBytes: Buffer.from('{"next":1}') }));
    const { removed, left } = await uninstallFromHost({ hostRoot: root });
    const reason = 'put back as it was before';
    expect(left).toEqual([
      { path: LAYOUT.policyFile, reason },
      { path: TRUST, reason },
    ]);
    expect(removed).toEqual([LAYOUT.verifierFile, LAYOUT.settingsFile]);
    expect(withoutLock(snapshot(root))).toEqual(before);
  });

  it('are theirs also when they are what we would write', async () => {
    const root = createHostRoot();
    const request = requestFor(root);
    put(root, LAYOUT.policyFile, Buffer.from(request.policyBytes ?? []).toString());
    const before = snapshot(root);
    await installOnHost(request);
    await uninstallFromHost({ hostRoot: root });
    expect(withoutLock(snapshot(root))).toEqual(before);
  });

  it('are put back when an upgrade no longer needs their place', async () => {
    const { root } = host();
    await installOnHost(requestFor(root));
    await installOnHost(requestFor(root, { trustFiles: [] }));
    expect(readFileSync(join(root, TRUST), 'utf8')).toBe('theirs');
    await uninstallFromHost({ hostRoot: root });
    expect(readFileSync(join(root, TRUST), 'utf8')).toBe('theirs');
    expect(existsSync(join(root, LAYOUT.ownDir))).toBe(false);
  });

  it('are kept no longer once they are back', async () => {
    const { root, before } = host();
    await installOnHost(requestFor(root));
    const theirs = join(root, LAYOUT.ownDir, 'originals');
    expect(readdirSync(theirs)).toHaveLength(2);
    await installOnHost(requestFor(root, { trustFiles: [] }));
    expect(readdirSync(theirs)).toHaveLength(1);
    // It is nobody's business any more whether the file stays.
    rmSync(join(root, TRUST));
    await uninstallFromHost({ hostRoot: root });
    const { [TRUST]: gone, ...others } = before;
    expect(gone).toBeDefined();
    expect(withoutLock(snapshot(root))).toEqual(others);
  });

  it('are put back also after an upgrade that says nothing of their place', async () => {
    const { root, before } = host();
    await installOnHost(requestFor(root));
    const { policyBytes, trustFiles, ...rest } = requestFor(root, { settings: { next: true } });
    expect([policyBytes, trustFiles]).not.toContain(undefined);
    expect((await installOnHost(rest)).changed).toEqual([LAYOUT.settingsFile]);
    await uninstallFromHost({ hostRoot: root });
    expect(withoutLock(snapshot(root))).toEqual(before);
  });

  it('stay aside, and are told of, when others have taken their place meanwhile', async () => {
    const { root } = host();
    await installOnHost(requestFor(root));
    put(root, LAYOUT.policyFile, '{"newer":true}');
    const { left } = await uninstallFromHost({ hostRoot: root });
    expect(left).toContainEqual({ path: LAYOUT.policyFile, reason: 'changed by others' });
    const aside = join(LAYOUT.ownDir, 'originals');
    expect(left).toContainEqual({ path: aside, reason: 'holds files of others' });
    const [name = ''] = readdirSync(join(root, aside));
    expect(readFileSync(join(root, aside, name), 'utf8')).toBe(THEIRS);
  });
});
