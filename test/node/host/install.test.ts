import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type HostFs, NODE_HOST_FS } from '../../../agent/node/host/host-fs.ts';
import { installOnHost } from '../../../agent/node/host/install.ts';
import { createLayout } from '../../../agent/node/host/layout.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { createHostRoot, put, requestFor, snapshot, withoutLock } from '../../support/host-root.ts';

const LAYOUT = createLayout();
const TRUST = `${LAYOUT.trustStoreDir}/x509/ca/acme/root.crt`;

describe('installing', () => {
  it('puts everything on an empty host, the verifier last, and says so', async () => {
    const root = createHostRoot();
    const { changed, left } = await installOnHost(requestFor(root));
    expect(changed).toEqual([TRUST, LAYOUT.policyFile, LAYOUT.settingsFile, LAYOUT.verifierFile]);
    expect(left).toEqual([]);
    expect(readFileSync(join(root, TRUST), 'utf8')).toBe('acme');
    expect(modeOf(root, LAYOUT.verifierFile)).toBe(0o755);
    expect(modeOf(root, LAYOUT.policyFile)).toBe(0o644);
    expect(JSON.parse(readFileSync(join(root, LAYOUT.settingsFile), 'utf8'))).toEqual({
      socket: '/run/nodeseal/agent.sock',
    });
    expect(Object.keys(snapshot(root)).filter((path) => path.includes('staging'))).toEqual([]);
  });

  it('stages every file where nobody else can reach it', async () => {
    const root = createHostRoot();
    const modes: number[] = [];
    const fs: HostFs = {
      ...NODE_HOST_FS,
      create: async (path, bytes, attributes) => {
        modes.push(statSync(dirname(path)).mode & 0o777);
        await NODE_HOST_FS.create(path, bytes, attributes);
      },
    };
    await installOnHost(requestFor(root, { fs }));
    expect(modes).toEqual(modes.map(() => 0o700));
    expect(modes).toHaveLength(5);
  });

  it('changes nothing the second time, not even a time', async () => {
    const root = createHostRoot();
    const request = requestFor(root);
    await installOnHost(request);
    const before = withoutLock(snapshot(root, true));
    expect(await installOnHost(request)).toEqual({ changed: [], left: [] });
    expect(withoutLock(snapshot(root, true))).toEqual(before);
  });

  it('puts back what others changed, and nothing else', async () => {
    const root = createHostRoot();
    const request = requestFor(root);
    await installOnHost(request);
    const before = snapshot(root);
    put(root, LAYOUT.policyFile, '{}');
    chmodSync(join(root, LAYOUT.verifierFile), 0o644);
    const { changed } = await installOnHost(request);
    expect(changed).toEqual([LAYOUT.policyFile, LAYOUT.verifierFile]);
    expect(snapshot(root)).toEqual(before);
  });

  it('leaves other files in bin_dir and in the trust stores alone', async () => {
    const root = createHostRoot();
    const other = LAYOUT.verifierFile.replace('nodeseal-verifier', 'other');
    put(root, other, 'theirs');
    put(root, `${LAYOUT.trustStoreDir}/x509/ca/theirs/root.crt`, 'theirs');
    const before = snapshot(root);
    await installOnHost(requestFor(root));
    await installOnHost(requestFor(root, { trustFiles: [] }));
    expect(snapshot(root)).toMatchObject(
      Object.fromEntries(Object.entries(before).filter(([, entry]) => entry.startsWith('100'))),
    );
  });

  it('removes trust that is no longer wanted, and its empty directory', async () => {
    const root = createHostRoot();
    await installOnHost(requestFor(root));
    const trustFiles = [{ path: 'x509/ca/beta/root.crt', bytes: Buffer.from('beta') }];
    const { changed } = await installOnHost(requestFor(root, { trustFiles }));
    expect(changed).toEqual([TRUST.replace('acme', 'beta'), TRUST]);
    expect(() => statSync(join(root, LAYOUT.trustStoreDir, 'x509/ca/acme'))).toThrow('ENOENT');
  });

  it('leaves stale trust that others changed, and says so once', async () => {
    const root = createHostRoot();
    await installOnHost(requestFor(root));
    put(root, TRUST, 'changed');
    expect((await installOnHost(requestFor(root, { trustFiles: [] }))).left).toEqual([TRUST]);
    expect(await installOnHost(requestFor(root, { trustFiles: [] }))).toEqual({
      changed: [],
      left: [],
    });
    expect(readFileSync(join(root, TRUST), 'utf8')).toBe('changed');
  });

  it('leaves policy and trust as they are when it is given none', async () => {
    const root = createHostRoot();
    await installOnHost(requestFor(root));
    const { policyBytes, trustFiles, ...request } = requestFor(root);
    expect([policyBytes, trustFiles]).not.toContain(undefined);
    expect(await installOnHost(request)).toEqual({ changed: [], left: [] });
    expect(readFileSync(join(root, TRUST), 'utf8')).toBe('acme');
  });

  it('replaces a verifier while it runs, and the running one goes on', async () => {
    const root = createHostRoot();
    // A script would not do: only an executable that is mapped refuses to be written.
    await installOnHost({ ...requestFor(root), verifierPath: process.execPath });
    const verifier = join(root, LAYOUT.verifierFile);
    const echo = ['--eval', 'process.stdin.pipe(process.stdout)'];
    const running = spawn(verifier, echo, { stdio: ['pipe', 'pipe', 'inherit'] });
    running.stdin.write('before');
    await once(running.stdout, 'data');
    expect((await installOnHost(requestFor(root))).changed).toEqual([LAYOUT.verifierFile]);
    running.stdin.end('after');
    const [chunk] = (await once(running.stdout, 'data')) as [Buffer];
    expect(chunk.toString()).toBe('after');
    await once(running, 'close');
    expect(await once(spawn(verifier, { stdio: 'ignore' }), 'close')).toEqual([0, null]);
  });

  it('follows a symbolic link among the parents as the host would', async () => {
    const root = createHostRoot();
    mkdirSync(join(root, 'var/opt'), { recursive: true });
    symlinkSync('/var/opt', join(root, 'opt'));
    await installOnHost(requestFor(root));
    expect(modeOf(root, LAYOUT.verifierFile.replace('/opt/', '/var/opt/'))).toBe(0o755);
    expect(await installOnHost(requestFor(root))).toEqual({ changed: [], left: [] });
  });
});

describe('refusing to install', () => {
  it('through a link that leaves the host root', async () => {
    const root = createHostRoot();
    const outside = createHostRoot();
    symlinkSync(`../..${outside}`, join(root, 'opt'));
    const error = await expectCodeAsync(installOnHost(requestFor(root)), 'host_write_failed');
    expect(error.message).toContain('leaves it');
    expect(snapshot(outside)).toEqual({});
  });

  it('in a loop of links', async () => {
    const root = createHostRoot();
    symlinkSync('/opt', join(root, 'opt'));
    const error = await expectCodeAsync(installOnHost(requestFor(root)), 'host_write_failed');
    expect(error.message).toContain('40 symbolic links');
  });

  it('below something that is no directory', async () => {
    const root = createHostRoot();
    put(root, '/opt', 'a file');
    await expectCodeAsync(installOnHost(requestFor(root)), 'host_write_failed');
    expect(readFileSync(join(root, 'opt'), 'utf8')).toBe('a file');
  });

  it('over a directory, or over a symbolic link that is not ours', async () => {
    const root = createHostRoot();
    mkdirSync(join(root, LAYOUT.policyFile), { recursive: true });
    const error = await expectCodeAsync(installOnHost(requestFor(root)), 'host_write_failed');
    expect(error.message).toContain(LAYOUT.policyFile);

    const linked = createHostRoot();
    put(linked, '/elsewhere', 'theirs');
    mkdirSync(join(linked, 'etc/containerd'), { recursive: true });
    symlinkSync('/elsewhere', join(linked, LAYOUT.policyFile));
    const before = snapshot(linked);
    await expectCodeAsync(installOnHost(requestFor(linked)), 'host_write_failed');
    expect(withoutLock(snapshot(linked))).toEqual(before);
  });

  it('but not over a link that took the place of our file: the link goes, its target stays', async () => {
    const root = createHostRoot();
    const request = requestFor(root);
    await installOnHost(request);
    put(root, '/elsewhere', 'theirs');
    const policy = join(root, LAYOUT.policyFile);
    unlinkSync(policy);
    symlinkSync('/elsewhere', policy);
    expect((await installOnHost(request)).changed).toEqual([LAYOUT.policyFile]);
    expect(readFileSync(join(root, 'elsewhere'), 'utf8')).toBe('theirs');
  });

  it.each([
    'ca/acme/root.crt',
    'x509/ca/../root.crt',
    'x509/ca/acme/..',
    'x509/ca/acme/sub/root.crt',
    'x509/other/acme/root.crt',
    '/x509/ca/acme/root.crt',
    'x509/ca/acme/a\nb',
  ])('a trust file at %j', async (path) => {
    const root = createHostRoot();
    const trustFiles = [{ path, bytes: Buffer.from('x') }];
    await expectCodeAsync(installOnHost(requestFor(root, { trustFiles })), 'truststore_invalid');
    expect(snapshot(root)).toEqual({});
  });

  it('one trust file twice', async () => {
    const file = { path: 'x509/ca/acme/root.crt', bytes: Buffer.from('x') };
    const request = requestFor(createHostRoot(), { trustFiles: [file, file] });
    await expectCodeAsync(installOnHost(request), 'truststore_invalid');
  });

  it('a verifier that cannot be read', async () => {
    const root = createHostRoot();
    const request = { ...requestFor(root), verifierPath: join(root, 'absent') };
    const error = await expectCodeAsync(installOnHost(request), 'host_write_failed');
    expect(error.message).toContain(join(root, 'absent'));
  });
});

it('takes a damaged record for none and writes a new one', async () => {
  const root = createHostRoot();
  await installOnHost(requestFor(root));
  const good = readFileSync(join(root, LAYOUT.manifestFile), 'utf8');
  writeFileSync(join(root, LAYOUT.manifestFile), '{');
  expect(await installOnHost(requestFor(root))).toEqual({ changed: [], left: [] });
  expect(JSON.parse(readFileSync(join(root, LAYOUT.manifestFile), 'utf8'))).toMatchObject({
    files: (JSON.parse(good) as { files: unknown }).files,
  });
});

function modeOf(root: string, path: string): number {
  return statSync(join(root, path)).mode & 0o7777;
}
