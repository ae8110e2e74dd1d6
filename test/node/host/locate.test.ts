import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NODE_HOST_FS } from '../../../agent/node/host/host-fs.ts';
import { locate, locateDirectory, lstatOrNull } from '../../../agent/node/host/locate.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { createHostRoot, put } from '../../support/host-root.ts';

/** A host with directories and symbolic links. */
function hostWith(links: Readonly<Record<string, string>>, directories: readonly string[] = []) {
  const root = createHostRoot();
  for (const path of directories) mkdirSync(join(root, path), { recursive: true });
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    symlinkSync(target, join(root, path));
  }
  return {
    root,
    locate: (path: string) => locate(NODE_HOST_FS, root, path),
    locateDirectory: (path: string) => locateDirectory(NODE_HOST_FS, root, path),
  };
}

describe('a path of the host', () => {
  it.each([
    ['without a link', '/var/opt/file', '/var/opt/file'],
    ['with names that say nothing', '//var/./opt//file', '/var/opt/file'],
    ['that is not there', '/absent/one/file', '/absent/one/file'],
    ['by an absolute link, of the host’s root', '/opt/file', '/var/opt/file'],
    ['by a relative link', '/var/link/file', '/var/opt/file'],
    ['by a link over its parent', '/srv/up/file', '/var/opt/file'],
    ['by a link to a link', '/srv/twice/file', '/var/opt/file'],
    ['back over names that say nothing', '/var/./../file', '/file'],
    ['up from where a link leads to', '/opt/../file', '/var/file'],
    ['that ends in a link, which is not followed', '/var/link', '/var/link'],
  ])('%s is there', async (_, path, expected) => {
    const links = {
      ...{ '/opt': '/var/opt', '/var/link': 'opt' },
      ...{ '/srv/up': '../var/./opt', '/srv/twice': '/opt' },
    };
    const host = hostWith(links, ['/var/opt']);
    expect(await host.locate(path)).toBe(join(host.root, expected));
  });

  it.each([
    ['itself', {}, '/../file'],
    ['by a link', { '/opt': '../..' }, '/opt/file'],
    ['by an absolute link', { '/opt': '/..' }, '/opt/file'],
  ])('that leaves the host %s is refused', async (_, links, path) => {
    const error = await expectCodeAsync(hostWith(links).locate(path), 'host_write_failed');
    expect(error.message).toContain(`host path ${path}: expected a path inside the host root`);
  });

  it('is followed over as many links as Linux follows, and refused over one more', async () => {
    const links = Object.fromEntries(
      Array.from({ length: 41 }, (_, index) => [`/link${index + 1}`, `link${index}`]),
    );
    const host = hostWith(links, ['/link0']);
    expect(await host.locate('/link40/file')).toBe(join(host.root, 'link0/file'));
    const error = await expectCodeAsync(host.locate('/link41/file'), 'host_write_failed');
    expect(error.message).toContain('at most 40 symbolic links');
  });

  it('below what is no directory is refused, but not below nothing', async () => {
    const host = hostWith({});
    expect(await host.locate('/opt/file')).toBe(join(host.root, 'opt/file'));
    put(host.root, '/opt', '');
    const error = await expectCodeAsync(host.locate('/opt/file'), 'host_write_failed');
    expect(error.message).toContain(`expected a directory at ${join(host.root, 'opt')}`);
  });
});

it('follows a directory to its end, which may not be there', async () => {
  const host = hostWith({ '/opt': '/var/opt' });
  expect(await host.locateDirectory('/opt')).toBe(join(host.root, 'var/opt'));
  expect(await host.locateDirectory('/srv')).toBe(join(host.root, 'srv'));
});

it('tells what is not there from what cannot be looked at', async () => {
  const root = createHostRoot();
  put(root, '/file', '');
  expect((await lstatOrNull(NODE_HOST_FS, join(root, 'file'), '/file'))?.isFile()).toBe(true);
  expect(await lstatOrNull(NODE_HOST_FS, join(root, 'absent'), '/absent')).toBeNull();
  const below = lstatOrNull(NODE_HOST_FS, join(root, 'file/below'), '/file/below');
  const error = await expectCodeAsync(below, 'host_write_failed');
  expect(error.message).toContain('host path /file/below');
});
