// Installing on real filesystems that do not let it: full, read-only, noexec, and mounted over what is ours.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Drift } from '../../../agent/node/host/drift.ts';
import { fingerprintHost } from '../../../agent/node/host/fingerprint.ts';
import { installOnHost, uninstallFromHost } from '../../../agent/node/host/install.ts';
import { createLayout, stagingDirs } from '../../../agent/node/host/layout.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { createHostRoot, put, requestFor, snapshot, withoutLock } from '../../support/host-root.ts';

const LAYOUT = createLayout();
const BIN_DIR = join(LAYOUT.verifierFile, '..');

/** A container without CAP_SYS_ADMIN cannot mount. */
const CAN_MOUNT = canMount();

function canMount(): boolean {
  const script = 'mount -t tmpfs none "$1" && umount "$1"';
  return spawnSync('unshare', ['--mount', 'sh', '-c', script, 'sh', '/mnt']).status === 0;
}

/** Mounts for the test's time; `args` are those of mount(8) before the directory. */
function mount(target: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync('mount', [...args, target], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  onTestFinished(() => unmount(target));
}

function unmount(target: string): void {
  spawnSync('umount', ['--lazy', target]);
}

/** A verifier of this size that ends with this code. */
function verifierOf(exitCode: number, bytes: number): string {
  return `#!/bin/sh\nexit ${exitCode}\n`.padEnd(bytes, '#');
}

function runVerifier(root: string): number | null {
  return spawnSync(join(root, LAYOUT.verifierFile)).status;
}

describe.runIf(CAN_MOUNT)('a filesystem that is', () => {
  it('full leaves nothing half-written, and the old verifier works', async () => {
    const root = createHostRoot();
    mkdirSync(join(root, 'opt'));
    mount(join(root, 'opt'), '-t', 'tmpfs', '-o', 'size=1m', 'none');
    await installOnHost(requestFor(root, { verifier: verifierOf(3, 600_000) }));
    const before = filesOf(root);
    const larger = requestFor(root, { verifier: verifierOf(4, 700_000) });
    const error = await expectCodeAsync(installOnHost(larger), 'host_write_failed');
    expect(error.message).toContain('ENOSPC');
    expect(error.message).toContain('free space');
    expect(filesOf(root)).toEqual(before);
    expect(runVerifier(root)).toBe(3);
    await installOnHost(requestFor(root, { verifier: verifierOf(5, 300_000) }));
    expect(runVerifier(root)).toBe(5);
    await uninstallFromHost({ hostRoot: root });
    expect(existsSync(join(root, BIN_DIR))).toBe(false);
  });

  it('full to its last byte still lets the verifier be taken off', async () => {
    const root = createHostRoot();
    mkdirSync(join(root, 'opt'));
    mount(join(root, 'opt'), '-t', 'tmpfs', '-o', 'size=1m', 'none');
    await installOnHost(requestFor(root));
    const filler = join(root, 'opt/filler');
    expect(() => {
      writeFileSync(filler, Buffer.alloc(2_000_000));
    }).toThrow('ENOSPC');
    expect((await installOnHost(requestFor(root))).changed).toEqual([]);
    await uninstallFromHost({ hostRoot: root });
    expect(existsSync(join(root, LAYOUT.verifierFile))).toBe(false);
  });

  it('read-only is told with its path and a remedy, and policy and trust are not changed alone', async () => {
    const root = createHostRoot();
    await installOnHost(requestFor(root));
    const before = withoutLock(snapshot(root));
    const opt = join(root, 'opt');
    mount(opt, '--bind', opt);
    spawnSync('mount', ['-o', 'remount,bind,ro', opt]);
    const request = requestFor(root, { policyBytes: Buffer.from('{}'), verifier: 'x' });
    const error = await expectCodeAsync(installOnHost(request), 'host_write_failed');
    expect(error.message).toContain('/opt/nodeseal');
    expect(error.message).toContain('read-only');
    expect(withoutLock(snapshot(root))).toEqual(before);
    await expectCodeAsync(uninstallFromHost({ hostRoot: root }), 'host_write_failed');
  });

  it('noexec is told before anything is in bin_dir, where it would refuse every pull', async () => {
    const root = createHostRoot();
    mkdirSync(join(root, 'opt'));
    mount(join(root, 'opt'), '-t', 'tmpfs', '-o', 'size=1m,noexec', 'none');
    const request = requestFor(root);
    const error = await expectCodeAsync(installOnHost(request), 'verifier_not_executable');
    expect(error.message).toContain('noexec');
    expect(error.message).toContain(LAYOUT.verifierFile);
    expect(existsSync(join(root, LAYOUT.verifierFile))).toBe(false);
    for (const path of stagingDirs(LAYOUT)) expect(existsSync(join(root, path))).toBe(false);
    spawnSync('mount', ['-o', 'remount,exec', join(root, 'opt')]);
    await installOnHost(request);
    expect(runVerifier(root)).toBe(0);
  });

  it.each([
    ['a file of ours', LAYOUT.policyFile, 'policy'],
    ['bin_dir', BIN_DIR, 'verifier'],
  ])('mounted over %s is noticed, told, and mended once it is gone', async (_, path, place) => {
    const root = createHostRoot();
    const request = requestFor(root);
    await installOnHost(request);
    const before = withoutLock(snapshot(root));
    const look = () => fingerprintHost(root, LAYOUT, [LAYOUT.policyFile, LAYOUT.verifierFile]);
    const known = await look();
    put(root, '/theirs/file', '{}');
    const isFile = path === LAYOUT.policyFile;
    mount(join(root, path), '--bind', join(root, isFile ? 'theirs/file' : 'theirs'));
    expect(await look()).not.toBe(known);
    const found: Drift[] = [];
    const onDrift = (drift: readonly Drift[]) => found.push(...drift);
    const installing = installOnHost({ ...request, onDrift });
    const error = await expectCodeAsync(installing, 'host_write_failed');
    expect(error.message).toContain(`mounted at ${path}; unmount it`);
    expect(found).toContainEqual(expect.objectContaining({ place, kind: 'shadowed' }));
    expect(readFileSync(join(root, 'theirs/file'), 'utf8')).toBe('{}');
    unmount(join(root, path));
    expect((await installOnHost(request)).changed).toEqual([]);
    expect(withoutLock(snapshot(root))).toMatchObject(before);
  });
});

/** What is on the host but the record, which already names what was to come. */
function filesOf(root: string): Record<string, string> {
  const entries = Object.entries(withoutLock(snapshot(root)));
  return Object.fromEntries(entries.filter(([path]) => path !== LAYOUT.manifestFile));
}
