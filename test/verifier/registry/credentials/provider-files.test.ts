// Kubelet's configuration of credential provider plugins on disk.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { OWN_HOST } from '../../../../agent/verifier/registry/credentials/host-access.ts';
import { readProviders } from '../../../../agent/verifier/registry/credentials/provider-files.ts';
import { expectCodeAsync } from '../../../support/expect-code.ts';

function config(...names: readonly string[]): string {
  const providers = names.map((name) => ({
    ...{ name, matchImages: ['*.example'], defaultCacheDuration: '1h' },
    apiVersion: 'credentialprovider.kubelet.k8s.io/v1',
  }));
  const kind = 'CredentialProviderConfig';
  return JSON.stringify({ apiVersion: 'kubelet.config.k8s.io/v1', kind, providers });
}

/** A directory of these files; what has no content is a directory. */
function directoryOf(files: Readonly<Record<string, string | null>>): string {
  const path = mkdtempSync(join(tmpdir(), 'nodeseal-providers-'));
  onTestFinished(() => {
    rmSync(path, { recursive: true });
  });
  for (const [name, content] of Object.entries(files)) {
    if (content === null) mkdirSync(join(path, name));
    else writeFileSync(join(path, name), content);
  }
  return path;
}

const read = async (path: string) => {
  const found = await readProviders(path, OWN_HOST, () =>
    Promise.resolve((text) => parse(text) as unknown),
  );
  return found.map(({ name }) => name);
};
const expectInvalid = (path: string) => expectCodeAsync(read(path), 'credentials_invalid');

const GOOD = { 'b.yml': config('b'), '10.json': config('c', 'd'), '9.yaml': config('e') };

describe('a configuration of plugins', () => {
  it('is one file, whatever it is called', async () => {
    expect(await read(join(directoryOf({ providers: config('a') }), 'providers'))).toEqual(['a']);
  });

  it('may be a directory, whose files are read in the order of their bytes', async () => {
    expect(await read(directoryOf(GOOD))).toEqual(['c', 'd', 'e', 'b']);
    // As kubelet does, which holds the whole to have a plugin, and not each file.
    expect(await read(directoryOf({ ...GOOD, 'a.json': config() }))).toHaveLength(4);
  });

  it('has no part in what is called otherwise, nor in directories', async () => {
    const others = { 'z.json.bak': '{', README: '{', 'c.conf': '{', 'd.JSON': '{', 'e.yaml': null };
    expect(await read(directoryOf({ ...GOOD, ...others }))).toHaveLength(4);
  });

  it.each([
    ['has a file that is none', { 'z.yaml': '{' }],
    ['has a plugin twice, in two files', { 'z.yaml': config('b') }],
    [
      'has too many files',
      Object.fromEntries(Array.from({ length: 98 }, (_, n) => [`z${n}.yaml`, config(`z${n}`)])),
    ],
    [
      'has too much in all',
      {
        'y.yaml': `#${'y'.repeat(600_000)}\n${config('y')}`,
        'z.yaml': `#${'z'.repeat(600_000)}\n${config('z')}`,
      },
    ],
  ])('is refused as a whole when it %s', async (_, more: Readonly<Record<string, string>>) => {
    const { message } = await expectInvalid(directoryOf({ ...GOOD, ...more }));
    expect(message).toMatch(/nodeseal-providers-/);
  });

  it('is good at its bounds', async () => {
    const most = Array.from({ length: 97 }, (_, n) => [`z${n}.yaml`, config(`z${n}`)] as const);
    const more = Object.fromEntries<string>(most);
    expect(await read(directoryOf({ ...GOOD, ...more }))).toHaveLength(101);
    const large = `#${'y'.repeat(1_000_000)}\n${config('y')}`;
    expect(await read(directoryOf({ ...GOOD, 'y.yaml': large }))).toHaveLength(5);
  });

  it('is none where nothing is there', async () => {
    await expectInvalid(directoryOf({}));
    await expectInvalid(directoryOf({ 'a.json': config() }));
    await expectInvalid(join(directoryOf({}), 'gone'));
  });
});
