import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
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
