import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyPlan } from '../../../agent/node/host/apply.ts';
import { contentOfBytes } from '../../../agent/node/host/content.ts';
import { type HostFs, NODE_HOST_FS } from '../../../agent/node/host/host-fs.ts';
import type { Step } from '../../../agent/node/host/host-state.ts';
import { installOnHost } from '../../../agent/node/host/install.ts';
import { createLayout, stagingDirs } from '../../../agent/node/host/layout.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { createHostRoot, put, requestFor, snapshot } from '../../support/host-root.ts';

const LAYOUT = createLayout();
const OWNER = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const STAGING = '/opt/staging';
const WRITE: Step = {
  ...{ kind: 'write', path: '/opt/file', stagingDir: STAGING },
  ...{ content: contentOfBytes(Buffer.from('new')), mode: 0o644, ...OWNER },
};

function failure(code: string): Error {
  return Object.assign(new Error(code), { code });
}

function apply(root: string, steps: readonly Step[], fs: Partial<HostFs> = {}): Promise<void> {
  return applyPlan({ ...NODE_HOST_FS, ...fs }, root, steps);
}

describe('a verifier that does not start', () => {
  /** Installs one whose first `failures` starts fail so. */
  function install(code: string, failures: number) {
    const root = createHostRoot();
    let starts = 0;
    const fs: HostFs = {
      ...NODE_HOST_FS,
      start: (path, argument) => {
        starts += 1;
        return starts > failures
          ? NODE_HOST_FS.start(path, argument)
          : Promise.reject(failure(code));
      },
    };
    const installed = installOnHost(requestFor(root, { fs }));
    return { root, installed, starts: () => starts };
  }

  it('because another process holds it still is started again', async () => {
    const { root, installed, starts } = install('ETXTBSY', 19);
    await installed;
    expect(starts()).toBe(20);
    expect(existsSync(join(root, LAYOUT.verifierFile))).toBe(true);
  });

  it.each([
    ['because another process holds it for ever', 'ETXTBSY', 20, 'install once more'],
    ['because it is no program', 'ENOEXEC', 1, 'not a program for this machine'],
    ['because nothing may be executed there', 'EACCES', 1, 'without noexec'],
  ])('%s is given up, and nothing is left of it', async (_, code, count, remedy) => {
    const { root, installed, starts } = install(code, 100);
    const error = await expectCodeAsync(installed, 'verifier_not_executable');
    expect(error.message).toContain(`found ${code}`);
    expect(error.message).toContain(remedy);
    expect(starts()).toBe(count);
    expect(existsSync(join(root, LAYOUT.verifierFile))).toBe(false);
    for (const path of stagingDirs(LAYOUT)) expect(existsSync(join(root, path))).toBe(false);
  });
});

describe('a write', () => {
  it('is told of as it failed, also where nothing can be cleaned up either', async () => {
    const root = createHostRoot();
    mkdirSync(join(root, 'opt'));
    const fs = {
      rename: () => Promise.reject(failure('EROFS')),
      rmdir: () => Promise.reject(failure('EIO')),
    };
    const error = await expectCodeAsync(apply(root, [WRITE], fs), 'host_write_failed');
    expect(error.message).toContain('host path /opt/file');
    expect(error.message).toContain('EROFS');
  });

  it('is refused where something else stands for the directory that it is staged in', async () => {
    const root = createHostRoot();
    put(root, STAGING, 'theirs');
    const error = await expectCodeAsync(apply(root, [WRITE]), 'host_write_failed');
    expect(error.message).toContain('expected a directory of ours');
    expect(existsSync(join(root, 'opt/file'))).toBe(false);
    await apply(root, [{ kind: 'clean', path: STAGING }, WRITE]);
    expect(readFileSync(join(root, 'opt/file'), 'utf8')).toBe('new');
    expect(existsSync(join(root, STAGING))).toBe(false);
  });

  it('is not staged beside what a killed run has staged', async () => {
    const root = createHostRoot();
    put(root, `${STAGING}/file`, 'half');
    await expectCodeAsync(apply(root, [WRITE]), 'host_write_failed');
    put(root, `${STAGING}/file`, 'half');
    await apply(root, [{ kind: 'clean', path: STAGING }, WRITE]);
    expect(Object.keys(snapshot(root))).toEqual(['/opt', '/opt/file']);
  });
});

describe('a directory', () => {
  const mkdir: Step = { kind: 'mkdir', path: '/opt/dir', mode: 0o750, ...OWNER };
  const rmdir: Step = { kind: 'rmdir', path: '/opt/dir' };

  it('is made with its mode, and left as it is where somebody was quicker', async () => {
    const root = createHostRoot();
    mkdirSync(join(root, 'opt'));
    await apply(root, [mkdir]);
    expect(statSync(join(root, 'opt/dir')).mode & 0o7777).toBe(0o750);
    await apply(root, [{ ...mkdir, mode: 0o700 }]);
    expect(statSync(join(root, 'opt/dir')).mode & 0o7777).toBe(0o750);
  });

  it('that cannot be made is told', async () => {
    const root = createHostRoot();
    mkdirSync(join(root, 'opt'));
    const failing = { mkdir: () => Promise.reject(failure('EROFS')) };
    const error = await expectCodeAsync(apply(root, [mkdir], failing), 'host_write_failed');
    expect(error.message).toContain('host path /opt/dir: could not create the directory: EROFS');
  });

  it.runIf(process.geteuid?.() === 0)('is ours where its parent would give it away', async () => {
    const root = createHostRoot();
    mkdirSync(join(root, 'opt'));
    chownSync(join(root, 'opt'), 0, 7);
    chmodSync(join(root, 'opt'), 0o2755);
    await apply(root, [mkdir]);
    const { mode, gid } = statSync(join(root, 'opt/dir'));
    expect({ mode: mode & 0o7777, gid }).toEqual({ mode: 0o750, gid: OWNER.gid });
  });

  it.each(['ENOTEMPTY', 'EEXIST', 'EBUSY', 'ENOENT', 'ENOTDIR'])(
    'that cannot be removed by %s is not ours to remove, as by EACCES it is',
    async (code) => {
      const root = createHostRoot();
      mkdirSync(join(root, 'opt/dir'), { recursive: true });
      const removing = (why: string) =>
        apply(root, [rmdir], { rmdir: () => Promise.reject(failure(why)) });
      await removing(code);
      await expectCodeAsync(removing('EACCES'), 'host_write_failed');
    },
  );
});

it('takes a file that is gone for removed, and tells of one that stays', async () => {
  const root = createHostRoot();
  const steps: Step[] = [{ kind: 'remove', path: '/opt/file' }];
  put(root, '/opt/file', '');
  await expectCodeAsync(
    apply(root, steps, { unlink: () => Promise.reject(failure('EPERM')) }),
    'host_write_failed',
  );
  await apply(root, steps);
  expect(existsSync(join(root, 'opt/file'))).toBe(false);
  await apply(root, steps);
});

it.each<Step>([
  WRITE,
  { kind: 'mkdir', path: '/opt/made', mode: 0o755, ...OWNER },
  { kind: 'remove', path: '/opt/theirs' },
  { kind: 'rmdir', path: '/opt/empty' },
])('has what it did on the disk once it is done: $kind', async (step) => {
  const root = createHostRoot();
  put(root, '/opt/theirs', '');
  mkdirSync(join(root, 'opt/empty'));
  const synced: string[] = [];
  const syncDirectory = (path: string) => {
    synced.push(path);
    return NODE_HOST_FS.syncDirectory(path);
  };
  await apply(root, [step], { syncDirectory });
  expect(synced).toEqual([join(root, 'opt')]);
});
