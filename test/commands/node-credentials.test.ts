import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createNodeCredentials } from '../../agent/commands/node-credentials.ts';
import { parseConfig } from '../../agent/config.ts';
import type { AgentError } from '../../agent/errors.ts';
import { createHostRoot, put } from '../support/host-root.ts';

const REPOSITORY = { registry: 'a.example', repository: 'team/app' };
const config = (username: string) =>
  JSON.stringify({ auths: { 'a.example': { username, password: 'p' } } });

function open(root: string, settings: Readonly<Record<string, string>> = {}) {
  const faults: AgentError[] = [];
  const source = createNodeCredentials({
    config: parseConfig({ NODESEAL_HOST_ROOT: root, ...settings }),
    environment: {},
    nowMs: () => 0,
    onFault: (fault) => faults.push(fault),
  });
  const names = async () =>
    (await source(REPOSITORY)).map((one) => ('username' in one ? one.username : one.kind));
  return { names, faults };
}

describe('the credentials of a node', () => {
  it('are none on a host without any', async () => {
    const { names, faults } = open(createHostRoot());
    expect([await names(), faults]).toEqual([[], []]);
  });

  it('are those of our own file, and of kubelet’s two', async () => {
    const root = createHostRoot();
    put(root, 'own.json', config('own'));
    put(root, 'srv/kubelet/config.json', config('kubelet'));
    put(
      root,
      'srv/kubelet/.dockercfg',
      JSON.stringify((JSON.parse(config('old')) as { auths: object }).auths),
    );
    const { names } = open(root, {
      NODESEAL_DOCKER_CONFIG: join(root, 'own.json'),
      NODESEAL_KUBELET_DIR: '/srv/kubelet',
    });
    expect(await names()).toEqual(['own', 'kubelet', 'old']);
  });

  it('are looked for where the settings say, and told to be missing there', async () => {
    const { names, faults } = open(createHostRoot(), {
      NODESEAL_CREDENTIAL_PROVIDER_CONFIG: '/etc/providers.yaml',
      NODESEAL_CREDENTIAL_PROVIDER_BIN_DIR: '/opt/providers',
    });
    expect(await names()).toEqual([]);
    expect(faults.map(({ code }) => code)).toEqual(['credentials_invalid']);
  });

  it('are those of plugins that a directory of files names', async () => {
    const root = createHostRoot();
    put(root, 'etc/providers.d/10.yaml', '{');
    put(root, 'etc/providers.d/20.yaml/not-a-file', '{');
    const { names, faults } = open(root, {
      NODESEAL_CREDENTIAL_PROVIDER_CONFIG: '/etc/providers.d',
      NODESEAL_CREDENTIAL_PROVIDER_BIN_DIR: '/opt/providers',
    });
    expect(await names()).toEqual([]);
    expect(faults.map(({ message }) => message.split(': ')[0])).toEqual([
      '/etc/providers.d/10.yaml',
    ]);
  });

  it.each(['etc/p.yaml', 'etc/p.yaml/a.yaml'])(
    'leave out plugins that kubelet names where this process does not see them: %s',
    async (file) => {
      const root = createHostRoot();
      put(root, 'proc/7/status', 'Name:\tkubelet\nUid:\t0\t0\t0\t0\nNSpid:\t7\n');
      put(root, 'proc/7/cgroup', '0::/system.slice/kubelet.service\n');
      const flags = [
        '--image-credential-provider-config=/etc/p.yaml',
        '--image-credential-provider-bin-dir=/opt/p',
      ];
      put(root, 'proc/7/cmdline', ['kubelet', ...flags, ''].join('\0'));
      const unseen = open(root);
      expect([await unseen.names(), unseen.faults]).toEqual([[], []]);
      put(root, file, 'kind: something else\n');
      const seen = open(root);
      expect(await seen.names()).toEqual([]);
      expect(seen.faults.map(({ message }) => message.includes(`/${file}: `))).toEqual([true]);
    },
  );

  it('never lead out of the host’s root', async () => {
    const root = createHostRoot();
    const outside = createHostRoot();
    put(outside, 'config.json', config('outside'));
    put(root, 'var/lib/kubelet/x', '');
    symlinkSync(join(outside, 'config.json'), join(root, 'var/lib/kubelet/config.json'));
    expect(readFileSync(join(root, 'var/lib/kubelet/config.json'), 'utf8')).toContain('outside');
    expect(await open(root).names()).toEqual([]);
  });
});
