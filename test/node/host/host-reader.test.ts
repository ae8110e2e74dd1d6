import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createHostReader } from '../../../agent/node/host/host-reader.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { createHostRoot, put } from '../../support/host-root.ts';

function host() {
  const root = createHostRoot();
  return {
    root,
    reader: createHostReader(root),
    link: (to: string, at: string) => symlinkSync(to, join(root, at)),
  };
}

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

describe('the reader of a host', () => {
  it('reads files up to a bound and a byte', async () => {
    const { root, reader } = host();
    put(root, '/etc/file', 'abcdef');
    expect(text(await reader.read('/etc/file', 100))).toBe('abcdef');
    expect(text(await reader.read('/etc/file', 3))).toBe('abcd');
    expect(await reader.read('/etc/absent', 3)).toBeNull();
    expect(await reader.read('/absent/file', 3)).toBeNull();
  });

  it('follows links as the host would, wherever they stand', async () => {
    const { root, reader, link } = host();
    put(root, '/usr/share/deep/file', 'target');
    put(root, '/etc/x', '');
    link('/usr/share', 'share');
    link('/share/deep/file', 'etc/absolute');
    link('../usr/share/deep/file', 'etc/relative');
    // Relative to where the link really is, not to the name it was reached by.
    link('../other', 'usr/share/deep/up');
    put(root, '/usr/share/other', 'beside');
    link('/usr/share/deep', 'd');
    for (const path of ['/etc/absolute', '/etc/relative', '/share/deep/file']) {
      expect(text(await reader.read(path, 100))).toBe('target');
    }
    expect(text(await reader.read('/d/up', 100))).toBe('beside');
    expect((await reader.list('/d'))?.length).toBe(2);
  });

  it('never leaves the host’s root', async () => {
    const { root, reader, link } = host();
    put(root, '/etc/passwd', 'of the host');
    link('/etc/passwd', 'etc/link');
    expect(text(await reader.read('/etc/link', 100))).toBe('of the host');
    link('../../../../../../../../etc/passwd', 'etc/escape');
    expect(text(await reader.read('/etc/escape', 100))).toBe('of the host');
    await expectCodeAsync(reader.read('/../etc/passwd', 100), 'host_write_failed');
  });

  it('tells what is at a path', async () => {
    const { root, reader, link } = host();
    put(root, '/a/file', '');
    writeFileSync(join(root, '/a/program'), '', { mode: 0o755 });
    link('program', 'a/link');
    link('absent', 'a/dangling');
    expect(await reader.stat('/a/file')).toMatchObject({ kind: 'file', isExecutable: false });
    expect(await reader.stat('/a/link')).toMatchObject({ kind: 'file', isExecutable: true });
    expect(await reader.stat('/a')).toMatchObject({ kind: 'directory' });
    expect(await reader.stat('/a/dangling')).toBeNull();
    expect(await reader.stat('/b')).toBeNull();
    const changedAt = (await reader.stat('/a/file'))?.changedAt ?? new Date(0);
    expect(Math.abs(changedAt.getTime() - Date.now())).toBeLessThan(60_000);
  });

  it('lists directories and reads what links say', async () => {
    const { root, reader, link } = host();
    mkdirSync(join(root, 'd'));
    expect(await reader.list('/d')).toEqual([]);
    expect(await reader.list('/absent')).toBeNull();
    link('/some where (deleted)', 'd/exe');
    expect(await reader.readLink('/d/exe')).toBe('/some where (deleted)');
    expect(await reader.readLink('/d/absent')).toBeNull();
    put(root, '/file', '');
    await expect(reader.list('/file')).rejects.toThrow();
    await expect(reader.readLink('/file')).rejects.toThrow();
  });

  it('gives a circle of links up', async () => {
    const { reader, link } = host();
    link('b', 'a');
    link('a', 'b');
    await expectCodeAsync(reader.stat('/a'), 'host_write_failed');
  });
});
