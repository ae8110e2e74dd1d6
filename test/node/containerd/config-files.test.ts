import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MAX_CONFIG_FILES, readConfigFiles } from '../../../agent/node/containerd/config-files.ts';
import { MAX_TOML_BYTES } from '../../../agent/node/containerd/toml.ts';
import { createHostReader } from '../../../agent/node/host/host-reader.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { createHostRoot, put } from '../../support/host-root.ts';

const ROOT = '/etc/containerd/config.toml';

async function read(files: Readonly<Record<string, string>>) {
  const hostRoot = createHostRoot();
  for (const [path, text] of Object.entries(files)) put(hostRoot, path, text);
  const found = await readConfigFiles(createHostReader(hostRoot), ROOT);
  return { ...found, paths: found.files.map(({ path }) => path) };
}

describe('the configuration files of containerd', () => {
  it('may be none', async () => {
    expect(await read({})).toMatchObject({ files: [], absentImports: [], orphanDropIns: [] });
  });

  it('tell version, imports and when they changed', async () => {
    const before = Date.now() - 60_000;
    const { files } = await read({ [ROOT]: 'version = 3\nimports = []\n' });
    expect(files).toMatchObject([{ path: ROOT, version: 3, imports: [] }]);
    expect(files[0]?.changedAt.getTime()).toBeGreaterThan(before);
    expect((await read({ [ROOT]: '' })).files).toMatchObject([{ version: null }]);
  });

  it('are followed in containerd’s order, each once, relative to who imports them', async () => {
    const { paths, absentImports } = await read({
      [ROOT]: 'imports = ["b.toml", "d/*.toml", "/etc/containerd/./b.toml", "/opt/c.toml"]',
      '/etc/containerd/b.toml': 'imports = ["/etc/containerd/config.toml", "deep/e.toml"]',
      '/etc/containerd/d/2.toml': '',
      '/etc/containerd/d/10.toml': '',
      '/etc/containerd/d/1.toml.bak': '',
      '/etc/containerd/deep/e.toml': 'imports = ["f.toml"]',
      '/etc/containerd/deep/f.toml': '',
      '/opt/c.toml': '',
    });
    expect(paths).toEqual([
      ROOT,
      '/etc/containerd/b.toml',
      '/etc/containerd/d/10.toml',
      '/etc/containerd/d/2.toml',
      '/opt/c.toml',
      '/etc/containerd/deep/e.toml',
      '/etc/containerd/deep/f.toml',
    ]);
    expect(absentImports).toEqual([]);
  });

  it('tell an import that is missing from a star that matches nothing', async () => {
    const found = await read({ [ROOT]: 'imports = ["absent.toml", "absent/*.toml"]' });
    expect(found.absentImports).toEqual(['/etc/containerd/absent.toml']);
  });

  it('tell drop-ins that nobody imports', async () => {
    const dropIn = { '/etc/containerd/conf.d/a.toml': '' };
    expect(await read({ [ROOT]: '', ...dropIn })).toMatchObject({
      paths: [ROOT],
      orphanDropIns: ['/etc/containerd/conf.d/a.toml'],
    });
    const imported = { [ROOT]: 'imports = ["/etc/containerd/conf.d/*.toml"]', ...dropIn };
    expect(await read(imported)).toMatchObject({ orphanDropIns: [] });
  });

  it.each([
    ['a*c', 'abc', true],
    ['a*c', 'ac', true],
    ['a*c', 'abcd', false],
    ['*.toml', '.toml', true],
    ['a*b*c', 'aXbYc', true],
    ['a*b*c', 'ac', false],
    ['ab*ba', 'aba', false],
    ['*', 'anything', true],
    ['**a', 'ba', true],
    ['a.toml*', 'aXtoml', false],
  ])('match %s with %s: %s', async (pattern, name, isMatch) => {
    const path = `/etc/containerd/d/${name}`;
    const { paths } = await read({ [ROOT]: `imports = ["d/${pattern}"]`, [path]: '' });
    expect(paths.includes(path)).toBe(isMatch);
  });

  it('are followed through symbolic links that mean the host’s root', async () => {
    const hostRoot = createHostRoot();
    put(hostRoot, '/usr/share/containerd/config.toml', 'version = 2');
    put(hostRoot, '/etc/containerd/x', '');
    symlinkSync('/usr/share/containerd/config.toml', join(hostRoot, ROOT));
    const { files } = await readConfigFiles(createHostReader(hostRoot), ROOT);
    expect(files).toMatchObject([{ path: ROOT, version: 2 }]);
  });

  it.each([
    ['that is no TOML', { [ROOT]: 'version =' }, 'containerd_config_invalid'],
    ['with a version that is no number', { [ROOT]: 'version = "3"' }, 'containerd_config_invalid'],
    ['with imports of another kind', { [ROOT]: 'imports = "a"' }, 'containerd_config_invalid'],
    [
      'whose drop-in is no TOML',
      { [ROOT]: 'imports = ["a.toml"]', '/etc/containerd/a.toml': '[' },
      'containerd_config_invalid',
    ],
    [
      'that is too large',
      { [ROOT]: `#${'x'.repeat(MAX_TOML_BYTES)}` },
      'containerd_config_unreadable',
    ],
    ['that is a directory', { [`${ROOT}/file`]: '' }, 'containerd_config_unreadable'],
    ['below a file', { '/etc/containerd': '' }, 'containerd_config_unreadable'],
  ] as const)('are refused with one %s', async (_, files, code) => {
    expect((await expectCodeAsync(read(files), code)).message).toContain('/etc/containerd/');
  });

  it('are refused with one that is no file but can be opened', async () => {
    const hostRoot = createHostRoot();
    put(hostRoot, '/etc/containerd/x', '');
    execFileSync('mkfifo', [join(hostRoot, ROOT)]);
    const found = readConfigFiles(createHostReader(hostRoot), ROOT);
    await expectCodeAsync(found, 'containerd_config_unreadable');
  });

  it('are refused above their number', async () => {
    const drops = (count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`/etc/containerd/d/${index}.toml`, '']),
      );
    const root = { [ROOT]: 'imports = ["d/*"]' };
    const good = await read({ ...root, ...drops(MAX_CONFIG_FILES - 1) });
    expect(good.paths).toHaveLength(MAX_CONFIG_FILES);
    const bad = read({ ...root, ...drops(MAX_CONFIG_FILES) });
    await expectCodeAsync(bad, 'containerd_config_unreadable');
  });
});
