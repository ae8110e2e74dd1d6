// Where the verifier is to be while bin_dir moves, and where it was.
import { describe, expect, it } from 'vitest';
import { FollowedHost } from '../../../agent/commands/run/followed-host.ts';
import { parseConfig } from '../../../agent/config.ts';
import { verifierFiles } from '../../../agent/node/host/layout.ts';

function open(settings: Record<string, string> = {}) {
  const config = parseConfig({ NODESEAL_HOST_ROOT: '/host', ...settings });
  const host = new FollowedHost(config, { binDirs: ['/a'], installed: ['/before'] });
  const files = () => verifierFiles(host.now.layout).map((path) => path.split('/')[1]);
  const follow = (path: string, isInForce: boolean) => [host.follow({ path, isInForce }), files()];
  return { host, follow };
}

describe('a host that is followed', () => {
  it('has the verifier in both places until the new one is in force', () => {
    const { host, follow } = open();
    expect(follow('/a', true)).toEqual([false, ['a']]);
    expect(follow('/b', false)).toEqual([true, ['b', 'a']]);
    expect(follow('/b', false)).toEqual([false, ['b', 'a']]);
    expect(follow('/c', false)).toEqual([true, ['c', 'b', 'a']]);
    expect(follow('/a', true)).toEqual([true, ['a']]);
    expect(host.verifierHere).toBe('/host/a/nodeseal-verifier');
  });

  it('knows every verifier that the journal can tell of', () => {
    const { host, follow } = open();
    const known = host.verifiersEver;
    follow('/b', true);
    expect([...known]).toEqual(
      ['/a', '/before', '/b'].map((directory) => `${directory}/nodeseal-verifier`),
    );
  });

  it('knows how long containerd lets a verifier run, once containerd has told', () => {
    const { host } = open();
    expect(host.verifierTimeoutMs).toBeUndefined();
    host.follow({ path: '/a', isInForce: true, verifierTimeoutMs: 30_000 });
    expect(host.verifierTimeoutMs).toBe(30_000);
  });

  it('has its registries where containerd has them, until they are set', () => {
    const access = (hostsPath: string) => ({ hostsPath, proxyVariables: { HTTPS_PROXY: 'p' } });
    const { host } = open();
    const effective = { path: '/a', isInForce: true };
    expect(host.now.registryHosts).toEqual(['/etc/containerd/certs.d']);
    expect(host.proxyVariables).toBeNull();
    expect(host.follow(effective, access(''))).toBe(false);
    expect(host.proxyVariables).toEqual({ HTTPS_PROXY: 'p' });
    expect(host.follow(effective, access('/x:/y'))).toBe(true);
    expect(host.now.registryHosts).toEqual(['/x', '/y']);
    expect(host.follow(effective)).toBe(false);
    const set = open({ NODESEAL_REGISTRY_HOSTS: '/z' }).host;
    expect(set.follow(effective, access('/x:/y'))).toBe(false);
    expect(set.now.registryHosts).toEqual(['/z']);
  });

  it('is not followed where a directory is set', () => {
    const { host } = open({ NODESEAL_BIN_DIR: '/a' });
    expect(host.follow({ path: '/b', isInForce: true })).toBe(false);
    expect(host.now.layout.verifierFile).toBe('/a/nodeseal-verifier');
  });
});
