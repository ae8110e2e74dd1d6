// Every file operation of an installation fails in turn, and with it every one after it, as when the process is killed.
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type HostFs, NODE_HOST_FS } from '../../../agent/node/host/host-fs.ts';
import { installOnHost, uninstallFromHost } from '../../../agent/node/host/install.ts';
import { createLayout } from '../../../agent/node/host/layout.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { killAt } from '../../support/killed-fs.ts';
import { createHostRoot, put, requestFor, snapshot, withoutLock } from '../../support/host-root.ts';

const LAYOUT = createLayout();
const OLD = '#!/bin/sh\nexit 0\n';
const NEW = '#!/bin/sh\nexit 1\n';

/** What is installed over the old generation: other trust, policy, settings and verifier. */
function upgrade(root: string, fs: HostFs = NODE_HOST_FS) {
  return requestFor(root, {
    verifier: NEW,
    policyBytes: Buffer.from('{"version":"1.0","new":true}'),
    trustFiles: [{ path: 'x509/ca/beta/root.crt', bytes: Buffer.from('beta') }],
    settings: { generation: 2 },
    fs,
  });
}

describe('an upgrade that is killed', () => {
  it('at any operation leaves whole files and trust for the policy, and the next run finishes', async () => {
    const clean = await upgradedHost();
    let killed = 0;
    for (let at = 1; ; at++) {
      const root = createHostRoot();
      await installOnHost(requestFor(root));
      const failing = killAt(at);
      const outcome = await installOnHost(upgrade(root, failing.fs)).catch(
        (error: unknown) => error,
      );
      assertWhole(root);
      if (!failing.killed()) break;
      killed += 1;
      expect(outcome).toMatchObject({ code: 'host_write_failed' });
      await installOnHost(upgrade(root));
      expect(withoutLock(snapshot(root))).toEqual(clean);
    }
    expect(killed).toBeGreaterThan(30);
  });

  it('and uninstalled instead leaves nothing', async () => {
    for (let at = 1; ; at += 3) {
      const root = createHostRoot();
      mkdirSync(join(root, 'opt'));
      const before = snapshot(root);
      const failing = killAt(at);
      await installOnHost(upgrade(root, failing.fs)).catch(() => undefined);
      await uninstallFromHost({ hostRoot: root });
      expect(withoutLock(snapshot(root))).toEqual(before);
      if (!failing.killed()) break;
    }
  });
});

describe('an uninstallation that is killed', () => {
  it('at any operation removes the verifier before what it needs, and the next run finishes', async () => {
    for (let at = 1; ; at++) {
      const root = createHostRoot();
      put(root, '/etc/containerd/config.toml', 'version = 3');
      // Every host has it, and a run that is killed before its record is written leaves it.
      mkdirSync(join(root, 'opt'));
      const before = snapshot(root);
      await installOnHost(requestFor(root));
      const failing = killAt(at);
      await uninstallFromHost({ hostRoot: root, fs: failing.fs }).catch(() => undefined);
      const present = (path: string): boolean => existsSync(join(root, path));
      if (present(LAYOUT.verifierFile)) {
        expect(present(LAYOUT.policyFile)).toBe(true);
        expect(present(LAYOUT.settingsFile)).toBe(true);
      }
      await uninstallFromHost({ hostRoot: root });
      expect(withoutLock(snapshot(root))).toEqual(before);
      if (!failing.killed()) break;
    }
  });
});

describe('a host that cannot be written', () => {
  it.each([
    ['EROFS', 'read-only'],
    ['ENOSPC', 'full'],
    ['EACCES', 'SELinux'],
    ['EXDEV', 'mount the directory above'],
  ])(
    'by %s is told with the path and a remedy, and the old verifier stays',
    async (code, remedy) => {
      const root = createHostRoot();
      await installOnHost(requestFor(root));
      const before = snapshot(root);
      const fs: HostFs = {
        ...NODE_HOST_FS,
        rename: () => Promise.reject(Object.assign(new Error(code), { code })),
      };
      const error = await expectCodeAsync(installOnHost(upgrade(root, fs)), 'host_write_failed');
      expect(error.message).toContain(code);
      expect(error.message).toContain(remedy);
      expect(error.message).toContain('/opt/nodeseal/installed.json');
      expect(withoutLock(snapshot(root))).toEqual(withoutLock(before));
    },
  );

  it('because bin_dir is another filesystem than the directory above it', async () => {
    const root = createHostRoot();
    await installOnHost(requestFor(root));
    const binDir = dirname(join(root, LAYOUT.verifierFile));
    const fs: HostFs = {
      ...NODE_HOST_FS,
      lstat: async (path) => {
        const stats = await NODE_HOST_FS.lstat(path);
        if (path === binDir) stats.dev += 1;
        return stats;
      },
    };
    const error = await expectCodeAsync(installOnHost(upgrade(root, fs)), 'host_write_failed');
    expect(error.message).toContain('mount the directory above it');
    expect(readFileSync(join(root, LAYOUT.verifierFile), 'utf8')).toBe(OLD);
  });

  it('with a verifier that changes while it is copied', async () => {
    const root = createHostRoot();
    await installOnHost(requestFor(root));
    const request = upgrade(root);
    const fs: HostFs = {
      ...NODE_HOST_FS,
      rename: async (from, to) => {
        await NODE_HOST_FS.rename(from, to);
        put('/', request.verifierPath, 'half');
      },
    };
    const error = await expectCodeAsync(installOnHost({ ...request, fs }), 'host_write_failed');
    expect(error.message).toContain('changed while it was copied');
    expect(readFileSync(join(root, LAYOUT.verifierFile), 'utf8')).toBe(OLD);
  });
});

async function upgradedHost(): Promise<Record<string, string>> {
  const root = createHostRoot();
  await installOnHost(requestFor(root));
  await installOnHost(upgrade(root));
  return withoutLock(snapshot(root));
}

/** bin_dir holds one whole verifier, and the trust store that the policy in force names is there. */
function assertWhole(root: string): void {
  expect(readdirSync(dirname(join(root, LAYOUT.verifierFile)))).toEqual(['nodeseal-verifier']);
  expect([OLD, NEW]).toContain(readFileSync(join(root, LAYOUT.verifierFile), 'utf8'));
  const isNew = readFileSync(join(root, LAYOUT.policyFile), 'utf8').includes('new');
  const store = join(root, LAYOUT.trustStoreDir, 'x509/ca', isNew ? 'beta' : 'acme');
  expect(readdirSync(store)).toEqual(['root.crt']);
  expect(readFileSync(join(store, 'root.crt'), 'utf8')).toBe(isNew ? 'beta' : 'acme');
}
