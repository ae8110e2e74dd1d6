// OCSP and CRLs through proxies, as registries are asked.
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseProxyRules, selectProxy } from '../../../agent/verifier/proxies/rules.ts';
import type { Resolve } from '../../../agent/verifier/evidence/address.ts';
import { mintCrl } from '../../support/crl.ts';
import { type ForwardProxyOptions, startForwardProxy } from '../../support/forward-proxy.ts';
import { mintOcspResponse } from '../../support/ocsp.ts';
import { openEvidenceServer, serveBytes } from '../../support/ocsp-server.ts';
import { mintServerCertificate } from '../../support/registry/tls.ts';
import { check, expectUnknown, ISSUER, issueNaming, NOW, openSource } from './fixture.ts';

/** Names of which only the proxy knows where they are. */
const UNKNOWN: Resolve = () => Promise.reject(new Error('no such name'));
const CRL = mintCrl(ISSUER, { now: NOW });

async function openProxy(options: ForwardProxyOptions = {}) {
  const server = await openEvidenceServer();
  server.routes.set('/1.crl', serveBytes(CRL));
  const proxy = await startForwardProxy({ upstream: `127.0.0.1:${server.port}`, ...options });
  onTestFinished(() => proxy.close());
  return { server, proxy };
}

function by(variables: Readonly<Record<string, string>>, ca?: string) {
  const rules = parseProxyRules(variables);
  const proxies = { of: (url: URL) => selectProxy(rules, url), ca };
  return openSource({ resolve: UNKNOWN, proxies });
}

describe('a proxy', () => {
  it('is asked for CRLs, and resolves their names', async () => {
    const { server, proxy } = await openProxy();
    const leaf = issueNaming([], [['http://crl.example/1.crl']]);
    expectUnknown(await check(by({}), leaf), 'revocation_unreachable');
    const source = by({ HTTP_PROXY: proxy.url.href });
    expect(await check(source, leaf)).toMatchObject({ kind: 'good', source: 'crl' });
    expect(proxy.requests).toEqual(['GET http://crl.example/1.crl']);
    expect(server.requests[0]?.headers.host).toBe('crl.example');
  });

  it('is asked by GET and by POST for OCSP', async () => {
    const { server, proxy } = await openProxy();
    for (const path of ['/ocsp', '/ocsp/ask?by=post']) {
      const leaf = issueNaming([`http://ocsp.example:8080${path}`]);
      server.routes.set('/ocsp', serveBytes(mintOcspResponse(leaf, ISSUER, { now: NOW })));
      const source = by({ HTTP_PROXY: proxy.url.href });
      expect(await check(source, leaf)).toMatchObject({ kind: 'good', source: 'ocsp' });
    }
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'POST']);
    expect(server.requests[1]?.body.length).toBeGreaterThan(60);
    expect(proxy.requests[1]).toBe('POST http://ocsp.example:8080/ocsp/ask?by=post');
  });

  it('is told its own credentials, and nobody else is', async () => {
    const { server, proxy } = await openProxy({ credentials: 'node:secret' });
    const leaf = issueNaming([], [['http://crl.example/1.crl']]);
    const authority = proxy.url.host;
    const known = by({ HTTP_PROXY: `http://node:secret@${authority}` });
    expect(await check(known, leaf)).toMatchObject({ kind: 'good' });
    expect(server.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
    const stranger = by({ HTTP_PROXY: `http://node:wrong@${authority}` });
    const { message } = expectUnknown(await check(stranger, leaf), 'revocation_unreachable');
    expect(message).toContain('407');
    expect(message).not.toContain('wrong');
  });

  it('is spoken to over TLS, if who vouches for it is trusted', async () => {
    const tls = mintServerCertificate('Proxy');
    const { proxy } = await openProxy({ tls });
    const leaf = issueNaming([], [['http://crl.example/1.crl']]);
    const variables = { HTTP_PROXY: proxy.url.href };
    expectUnknown(await check(by(variables), leaf), 'revocation_unreachable');
    expect(await check(by(variables, tls.ca), leaf)).toMatchObject({ kind: 'good' });
  });

  it('is not asked for what NO_PROXY names', async () => {
    const { proxy, server } = await openProxy();
    const leaf = issueNaming([], [[`http://crl.example:${server.port}/1.crl`]]);
    const rules = parseProxyRules({ HTTP_PROXY: proxy.url.href, NO_PROXY: '.example' });
    const source = openSource({
      resolve: () => Promise.resolve(['127.0.0.1']),
      proxies: { of: (url) => selectProxy(rules, url) },
    });
    expect(await check(source, leaf)).toMatchObject({ kind: 'good' });
    expect(proxy.requests).toEqual([]);
  });

  it.each(['169.254.169.254', '[fe80::1]', '[::ffff:169.254.169.254]'])(
    'is not asked for %s',
    async (address) => {
      const { proxy } = await openProxy();
      const leaf = issueNaming([], [[`http://${address}/1.crl`]]);
      const status = await check(by({ HTTP_PROXY: proxy.url.href }), leaf);
      expectUnknown(status, 'revocation_address_refused');
      expect(proxy.requests).toEqual([]);
    },
  );

  it('that is no HTTP proxy is told of, and nobody is asked without it', async () => {
    const { server } = await openProxy();
    const leaf = issueNaming([], [[`http://crl.example:${server.port}/1.crl`]]);
    const status = await check(by({ HTTP_PROXY: 'socks5://127.0.0.1:9' }), leaf);
    expect(expectUnknown(status, 'revocation_unreachable').message).toContain('socks5:');
    expect(server.requests).toEqual([]);
  });
});
