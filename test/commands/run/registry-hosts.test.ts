// What an operator is told of certs.d, and how often.
import { describe, expect, it } from 'vitest';
import { RegistryHosts } from '../../../agent/commands/run/registry-hosts.ts';
import { SYSTEM_CLOCK } from '../../../agent/audit/clock.ts';
import type { HostFiles } from '../../../agent/verifier/registry/hosts/host-files.ts';

const ROOT = '/etc/containerd/certs.d';

function open(files: Record<string, string>) {
  const lines: unknown[][] = [];
  const gauges: unknown[] = [];
  const log = {
    warn: (...line: unknown[]) => lines.push(line),
    info: (...line: unknown[]) => lines.push(line),
  };
  const reader: HostFiles = {
    read: (path) => Promise.resolve(path in files ? Buffer.from(files[path] ?? '') : null),
    list: (path) => {
      const below = Object.keys(files).filter((one) => one.startsWith(`${path}/`));
      const names = new Set(below.map((one) => one.slice(path.length + 1).split('/')[0] ?? ''));
      return Promise.resolve(names.size === 0 ? null : [...names]);
    },
  };
  const hosts = new RegistryHosts({
    place: { files: reader, roots: () => ['/absent', ROOT] },
    metrics: { setRegistryHosts: (found) => gauges.push(found) },
    log: log as never,
    clock: SYSTEM_CLOCK,
  });
  const look = async () => {
    lines.length = 0;
    await hosts.look();
    return lines.map((line) => JSON.stringify(line));
  };
  return { look, gauges, hosts };
}

describe('certs.d', () => {
  it('with a host whose certificate is not looked at is told of, once', async () => {
    const files: Record<string, string> = {
      [`${ROOT}/a.example_5000_/hosts.toml`]: 'skip_verify = true',
      [`${ROOT}/_default/hosts.toml`]: '[host."https://b.example"]\nskip_verify = true',
      [`${ROOT}/c.example/hosts.toml`]: 'skip_verify = false',
    };
    const { look, gauges } = open(files);
    expect(await look()).toEqual([
      expect.stringContaining(`${ROOT}/_default: https://b.example/v2/`),
      expect.stringContaining(`${ROOT}/a.example_5000_: https://a.example:5000/v2/`),
    ]);
    expect(gauges).toEqual([{ unverified: 2, invalid: 0 }]);
    expect(await look()).toEqual([]);
    files[`${ROOT}/_default/hosts.toml`] = '';
    files[`${ROOT}/a.example_5000_/hosts.toml`] = '';
    expect(await look()).toEqual([expect.stringContaining('in order again')]);
    expect(gauges.at(-1)).toEqual({ unverified: 0, invalid: 0 });
  });

  it('with what cannot be used is told of, once, and again when it is something else', async () => {
    const files = {
      [`${ROOT}/a.example/hosts.toml`]: 'server = ',
      [`${ROOT}/b.example/hosts.toml`]: 'ca = "absent.pem"',
    };
    const { look, gauges } = open(files);
    expect(await look()).toEqual([
      expect.stringMatching(/registry_hosts_invalid.*a\.example\/hosts\.toml/),
      expect.stringMatching(/registry_hosts_invalid.*b\.example\/absent\.pem/),
    ]);
    expect(gauges).toEqual([{ unverified: 0, invalid: 2 }]);
    expect(await look()).toEqual([]);
    files[`${ROOT}/b.example/hosts.toml`] = 'ca = "other.pem"';
    expect(await look()).toEqual([expect.stringContaining('other.pem')]);
  });

  it('that is not there is in order, and no reason not to end', async () => {
    const { look, gauges, hosts } = open({});
    expect(await look()).toEqual([]);
    expect(gauges).toEqual([{ unverified: 0, invalid: 0 }]);
    await hosts.run(AbortSignal.abort());
    const ending = new AbortController();
    const running = hosts.run(ending.signal);
    ending.abort();
    await running;
  });
});
