import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hostDirectories,
  splitHostsPath,
} from '../../../../agent/verifier/registry/hosts/host-directories.ts';
import { CAPABILITIES } from '../../../../agent/verifier/registry/hosts/host-table.ts';
import {
  MAX_HOSTS_FILE_BYTES,
  parseHostsFile,
} from '../../../../agent/verifier/registry/hosts/hosts-file.ts';
import { expectCode } from '../../../support/expect-code.ts';
import { valueOrAgentError } from '../../../support/only-agent-errors.ts';

const DIRECTORY = '/etc/containerd/certs.d/registry.example';

const parse = (text: string) => parseHostsFile(Buffer.from(text), DIRECTORY);

describe('the directories for a registry', () => {
  it('are, with a port, first the one that every file system can name', () => {
    expect(hostDirectories('/certs.d', 'registry.example:5000')).toEqual([
      '/certs.d/registry.example_5000_',
      '/certs.d/registry.example:5000',
      '/certs.d/_default',
    ]);
  });

  it('are its name and the default, without one', () => {
    expect(hostDirectories('/certs.d/', 'docker.io')).toEqual([
      '/certs.d/docker.io',
      '/certs.d/_default',
    ]);
  });

  it('are below each of the directories that containerd has', () => {
    expect(splitHostsPath('/etc/containerd/certs.d:/etc/docker/certs.d')).toEqual([
      '/etc/containerd/certs.d',
      '/etc/docker/certs.d',
    ]);
    expect(splitHostsPath('')).toEqual([]);
    expect(splitHostsPath('certs.d')).toEqual([]);
  });
});

describe('hosts.toml', () => {
  it('lists its hosts in their order, and its server last', () => {
    const hosts = parse(`
      server = "https://registry.example"
      [host."https://b.example"]
      [host."https://a.example".header]
        x-team = "a"
      [host."http://c.example:5000"]
    `);
    expect(hosts.map(({ root }) => root?.href)).toEqual([
      'https://b.example/v2/',
      'https://a.example/v2/',
      'http://c.example:5000/v2/',
      'https://registry.example/v2/',
    ]);
  });

  it('means the registry itself where it names no server', () => {
    expect(parse('')).toEqual([
      {
        root: null,
        capabilities: new Set(CAPABILITIES),
        ...{ caFiles: [], clientPairs: [], headers: {} },
        ...{ skipVerify: false, dialTimeoutMs: undefined },
      },
    ]);
  });

  it.each([
    ['mirror.example', false, 'https://mirror.example/v2/'],
    ['http://mirror.example', false, 'http://mirror.example/v2/'],
    ['https://mirror.example/', false, 'https://mirror.example/v2/'],
    ['https://mirror.example/v2', false, 'https://mirror.example/v2/'],
    ['https://mirror.example/v2/', false, 'https://mirror.example/v2/'],
    ['https://mirror.example/v2/upstream', false, 'https://mirror.example/v2/upstream/v2/'],
    ['https://mirror.example/v2/upstream', true, 'https://mirror.example/v2/upstream/'],
    ['https://mirror.example', true, 'https://mirror.example/'],
    ['https://user:secret@mirror.example/?q#f', false, 'https://mirror.example/v2/'],
  ])('takes %s with override_path %s for %s', (name, override, root) => {
    const [host] = parse(`[host."${name}"]\noverride_path = ${override}`);
    expect(host?.root?.href).toBe(root);
  });

  it('has all capabilities unless it names some', () => {
    const [all, some] = parse(`
      [host."https://a.example"]
      capabilities = []
      [host."https://b.example"]
      capabilities = ["Pull", "resolve"]
    `);
    expect([...(all?.capabilities ?? [])]).toEqual([...CAPABILITIES]);
    expect([...(some?.capabilities ?? [])]).toEqual(['pull', 'resolve']);
  });

  it.each([
    ['ca = "ca.pem"', [`${DIRECTORY}/ca.pem`]],
    ['ca = ["/etc/ca.pem", "../ca.pem"]', ['/etc/ca.pem', '/etc/containerd/certs.d/ca.pem']],
  ])('reads %s', (line, paths) => {
    expect(parse(line)[0]?.caFiles).toEqual(paths);
  });

  it.each([
    ['client = "c.pem"', [['c.pem', 'c.pem']]],
    [
      'client = ["c.pem", "d.pem"]',
      [
        ['c.pem', 'c.pem'],
        ['d.pem', 'd.pem'],
      ],
    ],
    [
      'client = [["c.pem", "c.key"], ["d.pem", ""]]',
      [
        ['c.pem', 'c.key'],
        ['d.pem', 'd.pem'],
      ],
    ],
  ])('reads %s', (line, pairs) => {
    expect(parse(line)[0]?.clientPairs).toEqual(
      pairs.map(([certificate, key]) => ({
        certificate: `${DIRECTORY}/${certificate}`,
        key: `${DIRECTORY}/${key}`,
      })),
    );
  });

  it('reads the rest of a host', () => {
    const [host] = parse(`
      [host."https://mirror.example"]
      skip_verify = true
      dial_timeout = "1.5s"
      [host."https://mirror.example".header]
      X-Team = "a"
      x-list = ["b", "c"]
      Host = "elsewhere.example"
    `);
    expect(host).toMatchObject({
      skipVerify: true,
      dialTimeoutMs: 1_500,
      headers: { 'x-team': 'a', 'x-list': 'b, c' },
    });
    expect(host?.headers).not.toHaveProperty('host');
  });

  it.each([
    'server = 1',
    'server = "ftp://registry.example"',
    'server = "https://"',
    'host = "https://mirror.example"',
    'host = [1]',
    '[host]\n"https://mirror.example" = true',
    '[host."https://mirror.example:99999"]',
    'capabilities = ["fly"]',
    'capabilities = "pull"',
    'ca = 1',
    'ca = [1]',
    'client = 1',
    'client = [["a"]]',
    'client = [["a", "b", "c"]]',
    'client = [1]',
    'skip_verify = "true"',
    'override_path = 1',
    'dial_timeout = "soon"',
    'dial_timeout = 3',
    'header = "x"',
    '[header]\nx = 1',
    '[header]\n"x y" = "z"',
    '[header]\nx = "a\\r\\nb: c"',
    'server = ',
    Array.from({ length: 17 }, (_, at) => `[host."https://m${at}.example"]`).join('\n'),
  ])('is refused with %s', (text) => {
    expectCode(() => parse(text), 'registry_hosts_invalid');
  });

  it('is refused when it is too large or no text', () => {
    expect(() => parse('#'.repeat(MAX_HOSTS_FILE_BYTES))).not.toThrow();
    expectCode(() => parse('#'.repeat(MAX_HOSTS_FILE_BYTES + 1)), 'registry_hosts_invalid');
    expectCode(() => parseHostsFile(Uint8Array.of(0xff), DIRECTORY), 'registry_hosts_invalid');
  });

  it('keeps what may be a secret out of errors', () => {
    for (const text of [
      '[header]\nauthorization = "Basic c2VjcmV0',
      '[header]\nauthorization = ["Basic c2VjcmV0\\u0000"]',
    ]) {
      const error = expectCode(() => parse(text), 'registry_hosts_invalid');
      expect(error.message).not.toContain('c2VjcmV0');
      expect(String(error.cause)).not.toContain('c2VjcmV0');
    }
  });

  it('is a value or our own error, whatever its text', () => {
    const word = fc.constantFrom(
      ...['server', 'host', 'ca', 'client', 'header', '=', '.', '"https://a.example"', '"x"'],
      ...['[', ']', '\n', 'true', '1', '__proto__', 'capabilities', '"pull"', 'dial_timeout'],
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        valueOrAgentError(() => parse(words.join(' ')));
      }),
    );
  });
});
