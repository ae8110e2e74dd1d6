import { linkSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { distinctFiles } from '../../../agent/node/host/distinct-files.ts';
import { NODE_HOST_FS } from '../../../agent/node/host/host-fs.ts';
import { createHostRoot, put } from '../../support/host-root.ts';

/** A host where `/link` leads to `/dir`. */
function linkedHost(): string {
  const root = createHostRoot();
  mkdirSync(join(root, 'dir'));
  symlinkSync('/dir', join(root, 'link'));
  return root;
}

it('keeps the first of the paths that lead to one file, whether it is there or not', async () => {
  const root = linkedHost();
  const found = (...paths: string[]) => distinctFiles(NODE_HOST_FS, root, paths);
  for (const present of [false, true]) {
    if (present) put(root, '/dir/file', '');
    expect(await found('/dir/file', '/link/file')).toEqual(['/dir/file']);
    expect(await found('/link/file', '/dir/file')).toEqual(['/link/file']);
    expect(await found('/dir/file', '/dir/file')).toEqual(['/dir/file']);
  }
});

it('keeps all paths of different files, also of those that are not there', async () => {
  const root = linkedHost();
  put(root, '/dir/file', 'same');
  put(root, '/other/file', 'same');
  const paths = ['/dir/file', '/other/file', '/dir/absent', '/other/absent'];
  expect(await distinctFiles(NODE_HOST_FS, root, paths)).toEqual(paths);
});

it('takes two names of one file for one, as a mount over a directory makes them', async () => {
  const root = linkedHost();
  put(root, '/dir/file', '');
  linkSync(join(root, 'dir/file'), join(root, 'dir/again'));
  const paths = ['/dir/file', '/dir/again'];
  expect(await distinctFiles(NODE_HOST_FS, root, paths)).toEqual(['/dir/file']);
});
