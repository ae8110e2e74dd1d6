import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createContainerdClient } from '../../../agent/node/containerd/client.ts';
import type { EffectiveConfigSources } from '../../../agent/node/containerd/effective-config.ts';
import { readEffectiveConfig } from '../../../agent/node/containerd/effective-config.ts';
import { TomlSection } from '../../../agent/node/containerd/toml.ts';
import { createContainerdHost, sourcesOf } from '../../support/containerd-host.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { type FakeContainerd, startFakeContainerd } from '../../support/fake-containerd.ts';
import { createHostRoot, put } from '../../support/host-root.ts';

let fake: FakeContainerd;
beforeAll(async () => {
  fake = await startFakeContainerd();
});
afterAll(() => fake.stop());

const NEVER = new AbortController().signal;
const read = (hostRoot: string, change: Partial<EffectiveConfigSources> = {}) =>
  readEffectiveConfig({ ...sourcesOf(hostRoot, fake), ...change }, NEVER);

describe('the effective configuration', () => {
  it('is the version, the process, the files and the dump of one containerd', async () => {
    const hostRoot = createContainerdHost({ config: { version: 2 } });
    const asked: unknown[] = [];
    const config = await read(hostRoot, {
      dump: (request) => {
        asked.push(request);
        return Promise.resolve(Buffer.from('version = 3\ndisabled_plugins = ["a.b"]\n'));
      },
    });
    expect(asked).toEqual([
      { executable: '/usr/bin/containerd', configPath: '/etc/containerd/config.toml' },
    ]);
    expect(config).toMatchObject({
      version: '2.1.9',
      process: { pid: 100 },
      configPath: '/etc/containerd/config.toml',
      configVersion: 2,
      files: [{ path: '/etc/containerd/config.toml', version: 2 }],
      absentImports: [],
    });
    expect(new TomlSection(config.values).texts('disabled_plugins')).toEqual(['a.b']);
  });

  it.each([2, 3, 4] as const)('has version %i of the root file', async (version) => {
    const config = { version };
    const { configVersion } = await read(createContainerdHost({ config }));
    expect(configVersion).toBe(version);
  });

  it('has the newest version that containerd knows where the root file has none', async () => {
    const hostRoot = createContainerdHost({ config: { version: null } });
    expect((await read(hostRoot)).configVersion).toBe(3);
    const elsewhere = createContainerdHost({ configPath: '/etc/elsewhere.toml' });
    expect(await read(elsewhere)).toMatchObject({ configVersion: 3, files: [] });
  });

  it('is not read at a version that nobody has told us of', async () => {
    const hostRoot = createContainerdHost();
    put(hostRoot, '/etc/containerd/config.toml', 'version = 5');
    await expectCodeAsync(read(hostRoot), 'containerd_config_invalid');
    put(hostRoot, '/etc/containerd/config.toml', '');
    const dump = () => Promise.resolve(Buffer.from(''));
    await expectCodeAsync(read(hostRoot, { dump }), 'containerd_config_invalid');
  });

  it('is of no use without containerd: on the socket, in /proc, as a program', async () => {
    await expectCodeAsync(read(createHostRoot()), 'containerd_missing');
    const client = createContainerdClient('/absent.sock');
    onTestFinished(() => client.close());
    await expectCodeAsync(read(createContainerdHost(), { client }), 'containerd_unavailable');
  });

  it('is refused when the dump is no TOML', async () => {
    const dump = () => Promise.resolve(Buffer.from('time="now" level=error'));
    const error = await expectCodeAsync(
      read(createContainerdHost(), { dump }),
      'containerd_config_invalid',
    );
    expect(error.message).toContain('output of containerd config dump');
  });

  it('names the file that is no TOML before containerd has to', async () => {
    const hostRoot = createContainerdHost();
    put(hostRoot, '/etc/containerd/config.toml', 'version = ');
    const dump = () => Promise.reject(new Error('not asked'));
    const error = await expectCodeAsync(read(hostRoot, { dump }), 'containerd_config_invalid');
    expect(error.message).toContain('/etc/containerd/config.toml');
  });
});
