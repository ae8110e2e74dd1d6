// The source of revocations in Bun, which the pull verifier is compiled with and whose sockets are its own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TestCertificate } from '../../support/certificate.ts';
import { mintCrl } from '../../support/crl.ts';
import { startForwardProxy } from '../../support/forward-proxy.ts';
import { mintOcspResponse, serialOf } from '../../support/ocsp.ts';
import type { ProbeArguments, ProbeResult } from '../../support/ocsp-probe.ts';
import {
  type EvidenceHandler,
  openEvidenceServer,
  serveBytes,
  serveDrip,
  serveHalf,
  serveReset,
  serveSilence,
  serveStatus,
  serveWithoutEnd,
} from '../../support/ocsp-server.ts';
import { ISSUER, issueNaming, NOW, openFolder } from './fixture.ts';

const run = promisify(execFile);
const PROBE = fileURLToPath(new URL('../../support/ocsp-probe.ts', import.meta.url));
const BUN = fileURLToPath(new URL('../../../node_modules/.bin/bun', import.meta.url));
const CRL = mintCrl(ISSUER, { now: NOW });

async function probe(
  leaf: TestCertificate,
  given: Partial<ProbeArguments> = {},
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const argument: ProbeArguments = {
    chain: leaf.chain.map((der) => der.toString('base64')),
    now: NOW.toISOString(),
    cacheDir: given.cacheDir ?? (await openFolder()),
    timeoutMs: 3_000,
    ...given,
  };
  const { stdout } = await run(BUN, [PROBE, JSON.stringify(argument)], { env, cwd: '/' });
  return (JSON.parse(stdout) as ProbeResult).found;
}

async function openCrl(serve: EvidenceHandler = serveBytes(CRL)) {
  const server = await openEvidenceServer();
  const leaf = issueNaming([], [[`${server.url}/1.crl`]]);
  server.routes.set('/1.crl', serve);
  return { server, leaf };
}

describe('in Bun', () => {
  it('a CRL is fetched once, and kept on disk', async () => {
    const { server, leaf } = await openCrl();
    const cacheDir = await openFolder();
    expect(await probe(leaf, { cacheDir })).toBe('good');
    expect(await probe(leaf, { cacheDir })).toBe('good');
    expect(server.requests).toHaveLength(1);
    server.routes.set(
      '/1.crl',
      serveBytes(mintCrl(ISSUER, { now: NOW, entries: [{ serialNumber: serialOf(leaf) }] })),
    );
    expect(await probe(leaf)).toBe('revoked');
  });

  it('a responder is asked by GET and by POST', async () => {
    const server = await openEvidenceServer();
    for (const path of ['/ocsp', '/ocsp/ask?by=post']) {
      const leaf = issueNaming([`${server.url}${path}`]);
      server.routes.set('/ocsp', serveBytes(mintOcspResponse(leaf, ISSUER, { now: NOW })));
      expect(await probe(leaf)).toBe('good');
    }
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'POST']);
    expect(server.requests[1]?.body.length).toBeGreaterThan(60);
  });

  it.each([
    ['404', serveStatus(404), 'revocation_unreachable'],
    ['a broken connection', serveReset, 'revocation_unreachable'],
    ['no end', serveWithoutEnd, 'revocation_evidence_invalid'],
    [
      'a redirect elsewhere',
      serveStatus(302, { location: 'http://169.254.169.254/' }),
      'revocation_address_refused',
    ],
  ] satisfies [string, EvidenceHandler, string][])(
    'an answer of %s tells nothing',
    async (_, serve, code) => {
      const { leaf } = await openCrl(serve);
      expect(await probe(leaf)).toBe(code);
    },
  );

  it.each([
    ['silent', serveSilence],
    ['half', serveHalf(CRL)],
    ['dripping', serveDrip],
  ] satisfies [string, EvidenceHandler][])('what is %s is given up', async (_, serve) => {
    const { leaf } = await openCrl(serve);
    expect(await probe(leaf, { timeoutMs: 100 })).toBe('revocation_unreachable');
  });

  it('the address is connected to that was looked at', async () => {
    const { server } = await openCrl();
    const leaf = issueNaming([], [[`http://crl.example:${server.port}/1.crl`]]);
    expect(await probe(leaf, { addresses: ['127.0.0.1'] })).toBe('good');
    expect(server.requests[0]?.headers.host).toBe(`crl.example:${server.port}`);
    for (const address of [
      '169.254.169.254',
      'fe80::1',
      '::ffff:169.254.169.254',
      'fd00:ec2::254',
    ]) {
      expect(await probe(leaf, { addresses: [address] })).toBe('revocation_address_refused');
    }
    expect(server.requests).toHaveLength(1);
  });

  it('a proxy is asked where one is given, and no other', async () => {
    const { server, leaf } = await openCrl();
    const proxy = await startForwardProxy({ upstream: `127.0.0.1:${server.port}` });
    onTestFinished(() => proxy.close());
    const url = proxy.url.href;
    // Bun's own sockets would go by these.
    const env = { HTTP_PROXY: url, http_proxy: url };
    expect(await probe(leaf, {}, env)).toBe('good');
    expect(proxy.requests).toEqual([]);
    const elsewhere = issueNaming([], [['http://crl.invalid/1.crl']]);
    expect(await probe(elsewhere, { proxy: url }, { HTTP_PROXY: 'http://127.0.0.1:9' })).toBe(
      'good',
    );
    expect(proxy.requests).toEqual(['GET http://crl.invalid/1.crl']);
    expect(server.requests[1]?.headers.host).toBe('crl.invalid');
  });

  it('a responder is asked by GET and by POST through a proxy', async () => {
    const server = await openEvidenceServer();
    const proxy = await startForwardProxy({ upstream: `127.0.0.1:${server.port}` });
    onTestFinished(() => proxy.close());
    for (const path of ['/ocsp', '/ocsp/ask?by=post']) {
      const leaf = issueNaming([`http://ocsp.invalid${path}`]);
      server.routes.set('/ocsp', serveBytes(mintOcspResponse(leaf, ISSUER, { now: NOW })));
      expect(await probe(leaf, { proxy: proxy.url.href })).toBe('good');
    }
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'POST']);
  });

  it('the names of the system are resolved', async () => {
    const { server } = await openCrl();
    const leaf = issueNaming([], [[`http://localhost:${server.port}/1.crl`]]);
    expect(await probe(leaf)).toBe('good');
  });
});
