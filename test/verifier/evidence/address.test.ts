import { describe, expect, it } from 'vitest';
import {
  hostAddresses,
  isRefused,
  parseEvidenceAddress,
} from '../../../agent/verifier/evidence/address.ts';
import { mintCrl } from '../../support/crl.ts';
import { expectCode, expectCodeAsync } from '../../support/expect-code.ts';
import {
  openEvidenceServer,
  serveBytes,
  serveReset,
  serveStatus,
} from '../../support/ocsp-server.ts';
import { check, expectUnknown, ISSUER, issueNaming, NOW, openSource } from './fixture.ts';

const CRL = mintCrl(ISSUER, { now: NOW });

const LONGEST = 'http://crl.example/'.padEnd(2048, 'a');

describe('an address', () => {
  it('may have 2048 characters, and loses what servers are not told', () => {
    expect(parseEvidenceAddress(LONGEST, 'it').href).toBe(LONGEST);
    expect(parseEvidenceAddress('http://crl.example/1.crl#part', 'it').href).toBe(
      'http://crl.example/1.crl',
    );
  });

  it.each(['http://crl.example/1.crl', 'HTTP://CRL.example:8080/a?b=c', 'http://[::1]/'])(
    'may be %s',
    (text) => {
      expect(parseEvidenceAddress(text, 'it').protocol).toBe('http:');
    },
  );

  it.each([
    'https://crl.example/',
    'ldap://crl.example/cn=1',
    'ftp://crl.example/1.crl',
    'file:///etc/passwd',
    'http://',
    'crl.example/1.crl',
    '',
    'http://user:word@crl.example/',
    'http://user@crl.example/',
    'http://:word@crl.example/',
    `${LONGEST}a`,
  ])('must not be %s', (text) => {
    expectCode(() => parseEvidenceAddress(text, 'it'), 'revocation_address_refused');
  });
});

describe('an IP address', () => {
  it.each([
    '169.254.169.254',
    '169.254.0.1',
    'fe80::1',
    'febf:ffff::1',
    'fe80::1%eth0',
    'fd00:ec2::254',
    'fd00:0ec2:0:0:0:0:0:0254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '::169.254.169.254',
    '64:ff9b::169.254.169.254',
    '2002:a9fe:a9fe::1',
    '100.100.100.200',
    '168.63.129.16',
    'fd20:ce::254',
    'localhost',
  ])('is refused when it is %s', (address) => {
    expect(isRefused(address)).toBe(true);
  });

  it.each([
    '127.0.0.1',
    '::1',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '169.253.255.255',
    'fd00::1',
    '::ffff:10.0.0.1',
    'fec0::1',
    '1.1.1.1',
  ])('is allowed when it is %s', (address) => {
    expect(isRefused(address)).toBe(false);
  });

  it.each([
    'http://169.254.169.254/',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://0251.0376.0251.0376/',
    'http://[fe80::1]/',
    'http://[::ffff:169.254.169.254]/',
  ])('is seen in %s, without resolving anything', async (text) => {
    const resolve = () => Promise.reject(new TypeError('resolved'));
    const url = parseEvidenceAddress(text, 'it');
    await expectCodeAsync(hostAddresses(url, resolve, 'it'), 'revocation_address_refused');
  });
});

describe('a host name', () => {
  it('is connected to at the address that was looked at', async () => {
    const server = await openEvidenceServer();
    server.routes.set('/1.crl', serveBytes(CRL));
    const leaf = issueNaming([], [[`http://crl.example:${server.port}/1.crl`]]);
    const asked: string[] = [];
    const resolve = (hostname: string) => {
      asked.push(hostname);
      return Promise.resolve(['127.0.0.1']);
    };
    expect((await check(openSource({ resolve }), leaf)).kind).toBe('good');
    expect(asked).toEqual(['crl.example']);
    expect(server.requests[0]?.headers.host).toBe(`crl.example:${server.port}`);
  });

  it('is tried at its next address when one does not answer', async () => {
    const server = await openEvidenceServer();
    server.routes.set('/1.crl', serveBytes(CRL));
    const leaf = issueNaming([], [[`http://crl.example:${server.port}/1.crl`]]);
    const resolve = () => Promise.resolve(['127.0.0.2', '127.0.0.1']);
    expect((await check(openSource({ resolve }), leaf)).kind).toBe('good');
  });

  it('is tried at four addresses at most', async () => {
    const server = await openEvidenceServer();
    server.routes.set('/1.crl', serveBytes(CRL));
    const leaf = issueNaming([], [[`http://crl.example:${server.port}/1.crl`]]);
    const dead = Array<string>(4).fill('127.0.0.2');
    const resolve = () => Promise.resolve([...dead, '127.0.0.1']);
    expectUnknown(await check(openSource({ resolve }), leaf), 'revocation_unreachable');
    expect(server.requests).toEqual([]);
  });

  it('is told of by the last failure where none of its addresses answers', async () => {
    const server = await openEvidenceServer();
    server.routes.set('/1.crl', serveReset);
    const leaf = issueNaming([], [[`http://crl.example:${server.port}/1.crl`]]);
    for (const [addresses, code] of [
      [['127.0.0.1', '127.0.0.2'], 'ECONNREFUSED'],
      [['127.0.0.2', '127.0.0.1'], 'ECONNRESET'],
    ] as const) {
      const source = openSource({ resolve: () => Promise.resolve(addresses) });
      const { message } = expectUnknown(await check(source, leaf), 'revocation_unreachable');
      expect(message).toContain(`found ${code}`);
    }
  });

  it('is tried at its next address when one is silent', async () => {
    const server = await openEvidenceServer();
    server.routes.set('/1.crl', (request, response) => {
      if (server.requests.length > 1) void serveBytes(CRL)(request, response);
    });
    const leaf = issueNaming([], [[`http://crl.example:${server.port}/1.crl`]]);
    const resolve = () => Promise.resolve(['127.0.0.1', '127.0.0.1']);
    const source = openSource({ resolve, limits: { crlMs: 1_000 } });
    expect((await check(source, leaf)).kind).toBe('good');
    expect(server.requests).toHaveLength(2);
  });

  it('is refused when it leads to a link-local address, among others or alone', async () => {
    const server = await openEvidenceServer();
    server.routes.set('/1.crl', serveBytes(CRL));
    const leaf = issueNaming([], [[`http://crl.example:${server.port}/1.crl`]]);
    for (const addresses of [['169.254.169.254'], ['127.0.0.1', 'fe80::1']]) {
      const source = openSource({ resolve: () => Promise.resolve(addresses) });
      expectUnknown(await check(source, leaf), 'revocation_address_refused');
    }
    expect(server.requests).toEqual([]);
  });

  it('is refused when it leads there only the second time', async () => {
    const server = await openEvidenceServer();
    server.routes.set('/1.crl', serveStatus(302, { location: '/latest/meta-data/' }));
    const leaf = issueNaming([], [[`http://crl.example:${server.port}/1.crl`]]);
    const answers = ['127.0.0.1', '169.254.169.254'];
    const resolve = () => Promise.resolve([answers.shift() ?? '127.0.0.1']);
    expectUnknown(await check(openSource({ resolve }), leaf), 'revocation_address_refused');
    expect(server.requests).toHaveLength(1);
  });

  it('that leads nowhere, or cannot be resolved in time, tells nothing', async () => {
    const leaf = issueNaming([], [['http://crl.example/1.crl']]);
    const failure = Object.assign(new Error('queryA'), { code: 'ENOTFOUND' });
    const failing = openSource({ resolve: () => Promise.reject(failure) });
    const { message } = expectUnknown(await check(failing, leaf), 'revocation_unreachable');
    expect(message).toContain('ENOTFOUND');
    const empty = openSource({ resolve: () => Promise.resolve([]) });
    expectUnknown(await check(empty, leaf), 'revocation_unreachable');
    const pending = Promise.withResolvers<string[]>();
    const slow = openSource({ resolve: () => pending.promise, limits: { crlMs: 50 } });
    expectUnknown(await check(slow, leaf), 'revocation_unreachable');
  });
});
