import { describe, expect, it } from 'vitest';
import {
  detectPlatforms,
  PLATFORM_MARKERS,
  type PlatformName,
  platformOf,
  PLATFORMS,
} from '../../../agent/node/containerd/platform.ts';
import {
  parseOsRelease,
  readPlatformFacts,
} from '../../../agent/node/containerd/platform-facts.ts';
import { createHostReader } from '../../../agent/node/host/host-reader.ts';
import { createHostRoot, put } from '../../support/host-root.ts';
import { PLATFORM_TREES } from '../../support/platform-trees.ts';

const NAMES = Object.keys(PLATFORMS) as PlatformName[];

describe('a platform', () => {
  it.each(PLATFORM_TREES)('is told from its files: $title', async (tree) => {
    const hostRoot = createHostRoot();
    put(hostRoot, '/usr/lib/os-release', `NAME="Some"\nID=${tree.osId}\n`);
    for (const path of tree.markers) put(hostRoot, path, '');
    const facts = await readPlatformFacts(createHostReader(hostRoot), tree.configPath);
    expect(detectPlatforms(facts)).toEqual(tree.platforms);
  });

  it('has a tree in the tests', () => {
    const tested = new Set(PLATFORM_TREES.flatMap(({ platforms }) => platforms));
    expect([...tested].sort()).toEqual([...NAMES].sort());
  });

  it('is not told of a plain machine, nor of one that tells nothing', () => {
    const none = { markers: new Set<string>(), configPath: '/etc/containerd/config.toml' };
    expect(detectPlatforms({ ...none, osRelease: new Map([['ID', 'debian']]) })).toEqual([]);
    expect(detectPlatforms({ ...none, osRelease: new Map() })).toEqual([]);
  });

  it.each(NAMES)('says what it means and what to do: %s', (name) => {
    const { meaning, remedy } = platformOf(name);
    expect(meaning).toMatch(/^\S.*\.$/s);
    expect(remedy).toMatch(/^\S.*\.$/s);
  });

  it('is told by absolute paths', () => {
    for (const path of PLATFORM_MARKERS) expect(path).toMatch(/^\/[^*]+[^/]$/);
  });
});

describe('os-release', () => {
  it('is read with its quotes, comments and spaces', () => {
    const text = '# ID=no\nID=debian\nNAME="Debian GNU/Linux"\n VERSION_ID=\'13\' \nbad line\n=x\n';
    expect([...parseOsRelease(text)]).toEqual([
      ['ID', 'debian'],
      ['NAME', 'Debian GNU/Linux'],
      ['VERSION_ID', '13'],
    ]);
  });

  it('of /etc comes before that of /usr', async () => {
    const hostRoot = createHostRoot();
    put(hostRoot, '/usr/lib/os-release', 'ID=talos');
    const facts = () => readPlatformFacts(createHostReader(hostRoot), '/x');
    expect((await facts()).osRelease.get('ID')).toBe('talos');
    put(hostRoot, '/etc/os-release', 'ID=cos');
    expect((await facts()).osRelease.get('ID')).toBe('cos');
  });
});
