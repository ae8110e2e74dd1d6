import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished, vi } from 'vitest';
import { NODE_HOST_FS } from '../../../agent/node/host/host-fs.ts';
import { takeHostLock } from '../../../agent/node/host/lock.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { createHostRoot, put } from '../../support/host-root.ts';

const PATH = '/run/nodeseal/install.lock';
const take = (root: string) => takeHostLock(NODE_HOST_FS, root, PATH);

it('is held by one at a time, and free again once released', async () => {
  const root = createHostRoot();
  const lock = await take(root);
  const error = await expectCodeAsync(take(root), 'host_busy');
  expect(error.message).toContain('another nodeseal');
  lock.release();
  expect(existsSync(join(root, PATH))).toBe(true);
  (await take(root)).release();
});

it('is free again, and its file gone, once removed', async () => {
  const root = createHostRoot();
  (await take(root)).remove();
  expect(existsSync(join(root, PATH))).toBe(false);
  (await take(root)).release();
});

it('is held against other processes, and ends with a holder that is killed', async () => {
  const root = createHostRoot();
  const folder = fileURLToPath(new URL('../../../agent/node/host', import.meta.url));
  const program = `
    import { NODE_HOST_FS } from '${folder}/host-fs.ts';
    import { takeHostLock } from '${folder}/lock.ts';
    await takeHostLock(NODE_HOST_FS, process.argv[1], '${PATH}');
    console.log('held');
    setInterval(() => undefined, 1000);
  `;
  const args = ['--no-warnings', '--input-type=module', '--eval', program, root];
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  await expectCodeAsync(take(root), 'host_busy');
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  (await take(root)).release();
});

it('is not taken by way of a symbolic link', async () => {
  const root = createHostRoot();
  put(root, '/elsewhere', '');
  mkdirSync(join(root, 'run/nodeseal'), { recursive: true });
  symlinkSync('/elsewhere', join(root, PATH));
  const error = await expectCodeAsync(take(root), 'host_write_failed');
  expect(error.message).toContain('ELOOP');
});

/** Has the lock taken by this program instead of flock(1); descriptor 3 is the lock's file. */
function replaceFlock(script: string): void {
  const directory = createHostRoot();
  put(directory, '/flock', `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, 'flock'), 0o755);
  vi.stubEnv('PATH', `${directory}:${process.env['PATH'] ?? ''}`);
  onTestFinished(() => void vi.unstubAllEnvs());
}

const REMOVE = 'rm -f "$(readlink /proc/self/fd/3)"';

it('is taken anew where the last holder has removed its file meanwhile', async () => {
  const root = createHostRoot();
  put(root, '/first', '');
  replaceFlock(`if [ -e ${root}/first ]; then rm ${root}/first; ${REMOVE}; fi`);
  (await take(root)).remove();
  expect(existsSync(join(root, 'first'))).toBe(false);
  expect(existsSync(join(root, PATH))).toBe(false);
});

it('is given up where its file is removed again and again', async () => {
  replaceFlock(REMOVE);
  await expectCodeAsync(take(createHostRoot()), 'host_busy');
});

it('is not taken where flock(1) does not say that it is', async () => {
  replaceFlock('echo broken >&2; exit 1');
  const error = await expectCodeAsync(take(createHostRoot()), 'host_write_failed');
  expect(error.message).toContain('found 1: broken');
});

it('is nothing that others may look into', async () => {
  const root = createHostRoot();
  (await take(root)).release();
  expect(statSync(join(root, PATH)).mode & 0o777).toBe(0o600);
  expect(statSync(join(root, PATH, '..')).mode & 0o777).toBe(0o700);
});

it('leaves no file open, held by others or not, given up or removed', async () => {
  const root = createHostRoot();
  const open = () =>
    readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`).startsWith(root));
  const lock = await take(root);
  await expectCodeAsync(take(root), 'host_busy');
  expect(open()).toHaveLength(1);
  lock.release();
  (await take(root)).remove();
  expect(open()).toEqual([]);
  replaceFlock(REMOVE);
  await expectCodeAsync(take(root), 'host_busy');
  expect(open()).toEqual([]);
});

/** What a link says; nothing when it is gone, as the descriptor that lists them is. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
