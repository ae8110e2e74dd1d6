import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { AgentError } from '../../../../agent/errors.ts';
import { HostSource } from '../../../../agent/verifier/registry/hosts/host-source.ts';
import { OWN_FILES } from '../../../../agent/verifier/registry/hosts/host-files.ts';
import { loadHosts } from '../../../../agent/verifier/registry/hosts/load-hosts.ts';
import { expectCodeAsync } from '../../../support/expect-code.ts';
import { mintServerCertificate } from '../../../support/registry/tls.ts';
import { certsD, CERTS_D } from './fixture.ts';

const { ca, cert, key } = mintServerCertificate('Ours');

async function rootsOf(files: Record<string, string>, registry: string): Promise<string[]> {
  const { hosts } = await loadHosts(certsD(files), registry);
  return hosts.map(({ root }) => root.href);
}

describe('the hosts of a registry', () => {
  it('are the registry alone where nothing is said', async () => {
    expect(await loadHosts(certsD({}), 'registry.example:5000')).toEqual({
      hosts: [
        {
          root: new URL('https://registry.example:5000/v2/'),
          ...{ canPull: true, canResolve: true, isMirror: false },
          ...{ headers: {}, connection: undefined },
        },
      ],
      fault: undefined,
    });
    expect(await rootsOf({}, 'docker.io')).toEqual(['https://registry-1.docker.io/v2/']);
    expect(await rootsOf({}, '127.0.0.1:5000')).toEqual(['http://127.0.0.1:5000/v2/']);
  });

  it('are those of the first directory that is there', async () => {
    const host = (name: string) => `[host."https://${name}.example"]`;
    const files: Record<string, string> = {
      'registry.example_5000_/hosts.toml': host('underscored'),
      'registry.example:5000/hosts.toml': host('named'),
      '_default/hosts.toml': host('default'),
    };
    const first = async () => (await rootsOf(files, 'registry.example:5000'))[0];
    expect(await first()).toBe('https://underscored.example/v2/');
    delete files['registry.example_5000_/hosts.toml'];
    expect(await first()).toBe('https://named.example/v2/');
    delete files['registry.example:5000/hosts.toml'];
    expect(await first()).toBe('https://default.example/v2/');
    // The registry's own directory hides the default one, whatever is in it.
    files['registry.example:5000/note'] = '';
    expect(await first()).toBe('https://registry.example:5000/v2/');
  });

  it('are mirrors unless they are called as the registry is', async () => {
    const toml = `
      server = "https://registry-1.docker.io"
      [host."https://docker.io"]
      [host."https://mirror.example"]
      capabilities = ["pull"]
      [host."https://push.example"]
      capabilities = ["push"]
    `;
    const { hosts } = await loadHosts(certsD({ 'docker.io/hosts.toml': toml }), 'docker.io');
    expect(
      hosts.map(({ isMirror, canPull, canResolve }) => [isMirror, canPull, canResolve]),
    ).toEqual([
      [false, true, true],
      [true, true, false],
      [true, false, false],
      [false, true, true],
    ]);
  });

  it('of a hosts.toml that is none are passed over as containerd does it, and told', async () => {
    const files = { 'a.example/hosts.toml': 'server = ', 'a.example/ca.crt': ca };
    const { hosts, fault } = await loadHosts(certsD(files), 'a.example');
    expect(fault?.code).toBe('registry_hosts_invalid');
    expect(hosts).toMatchObject([{ isMirror: false, connection: { ca } }]);
  });

  it('may be told with certificates in the layout of Docker', async () => {
    const files = {
      'a.example/hosts.toml': '',
      'a.example/ca.crt': ca,
      'a.example/client.cert': cert,
      'a.example/client.key': key,
      'a.example/other.cert': `${cert}${key}`,
    };
    const { hosts } = await loadHosts(certsD(files), 'a.example');
    expect(hosts).toMatchObject([
      {
        connection: {
          ca,
          clientCertificates: [
            { certificate: cert, key },
            { certificate: `${cert}${key}`, key: `${cert}${key}` },
          ],
          skipVerify: false,
        },
      },
    ]);
  });

  it('share connections by what is said of them', async () => {
    const said = `ca = "ca.pem"\nclient = [["client.pem", "client.key"]]`;
    const files: Record<string, string> = {
      'a.example/hosts.toml': `${said}\n[host."https://b.example"]\n${said}`,
      'a.example/ca.pem': ca,
      'a.example/client.pem': cert,
      'a.example/client.key': key,
    };
    const ids = async () => {
      const { hosts } = await loadHosts(certsD(files), 'a.example');
      return hosts.map(({ connection }) => connection?.id);
    };
    const [mirror, registry] = await ids();
    expect(registry).toBe(mirror);
    files['a.example/ca.pem'] = `${ca}${ca}`;
    expect((await ids())[0]).not.toBe(mirror);
  });

  it('of a loopback registry with a CA are spoken to over TLS', async () => {
    const files = { '127.0.0.1:5000/ca.crt': ca };
    expect(await rootsOf(files, '127.0.0.1:5000')).toEqual(['https://127.0.0.1:5000/v2/']);
    // The canary's registry is one, and its certs.d may have something for all.
    expect(await rootsOf({ '_default/ca.crt': ca }, '127.0.0.1:5000')).toEqual([
      'http://127.0.0.1:5000/v2/',
    ]);
    const plainHttp = () => true;
    const { hosts } = await loadHosts({ ...certsD(files), plainHttp }, '127.0.0.1:5000');
    expect(hosts[0]?.root.protocol).toBe('http:');
  });

  it.each([
    ['a CA that is not there', 'ca = "none.pem"'],
    ['a CA that is none', 'ca = "note"'],
    ['a client without a key', 'client = [["ca.pem", "none.key"]]'],
  ])('are refused with %s', async (_, line) => {
    const files = {
      'a.example/hosts.toml': line,
      'a.example/ca.pem': ca,
      'a.example/note': 'note',
    };
    await expectCodeAsync(loadHosts(certsD(files), 'a.example'), 'registry_hosts_invalid');
    const good = { ...files, 'a.example/hosts.toml': 'ca = "ca.pem"' };
    expect(await rootsOf(good, 'a.example')).toEqual(['https://a.example/v2/']);
  });

  it('are refused where files cannot be read', async () => {
    const { files } = certsD({ 'a.example/hosts.toml': 'ca = "ca.pem"' });
    const denied = () => Promise.reject(new Error('EACCES'));
    const place = { files: { ...files, list: denied }, roots: () => [CERTS_D] };
    await expectCodeAsync(loadHosts(place, 'a.example'), 'registry_hosts_invalid');
  });

  it('are read from the files of this machine', async () => {
    const root = mkdtempSync(join(tmpdir(), 'nodeseal-certs-'));
    onTestFinished(() => {
      rmSync(root, { recursive: true });
    });
    const place = { files: OWN_FILES, roots: () => [join(root, 'absent'), root] };
    expect((await loadHosts(place, 'a.example')).hosts).toHaveLength(1);
    mkdirSync(join(root, 'a.example'));
    writeFileSync(
      join(root, 'a.example', 'hosts.toml'),
      '[host."https://b.example"]\nca = "ca.pem"',
    );
    writeFileSync(join(root, 'a.example', 'ca.pem'), ca);
    expect((await loadHosts(place, 'a.example')).hosts).toMatchObject([
      { root: new URL('https://b.example/v2/'), connection: { ca } },
      { root: new URL('https://a.example/v2/') },
    ]);
    writeFileSync(join(root, 'b.example'), 'a file where a directory is expected');
    await expectCodeAsync(loadHosts(place, 'b.example'), 'registry_hosts_invalid');
  });
});

describe('what is remembered of hosts', () => {
  it('is read anew after a moment, and not before', async () => {
    let nowMs = 0;
    const files: Record<string, string> = {};
    const faults: AgentError[] = [];
    const source = new HostSource(
      certsD(files),
      () => nowMs,
      (fault) => faults.push(fault),
    );
    const count = async () => (await source.of('a.example')).length;
    expect(await count()).toBe(1);
    files['a.example/hosts.toml'] = '[host."https://b.example"]';
    expect(await count()).toBe(1);
    nowMs += 5_000;
    expect(await count()).toBe(2);
    files['a.example/hosts.toml'] = '[';
    nowMs += 5_000;
    expect(await count()).toBe(1);
    expect(await count()).toBe(1);
    expect(faults.map(({ code }) => code)).toEqual(['registry_hosts_invalid']);
  });

  it('is no failure', async () => {
    const files: Record<string, string> = { 'a.example/hosts.toml': 'ca = "ca.pem"' };
    let nowMs = 0;
    const source = new HostSource(certsD(files), () => nowMs);
    await expectCodeAsync(source.of('a.example'), 'registry_hosts_invalid');
    files['a.example/ca.pem'] = ca;
    nowMs += 5_000;
    expect(await source.of('a.example')).toHaveLength(1);
  });
});
