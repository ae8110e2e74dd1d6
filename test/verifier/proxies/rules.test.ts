import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProxyRules, selectProxy } from '../../../agent/verifier/proxies/rules.ts';
import { expectCode } from '../../support/expect-code.ts';

const PROXY = 'http://proxy.example:3128';

function proxyOf(variables: Record<string, string>, url: string): string | undefined {
  return selectProxy(parseProxyRules(variables), new URL(url))?.href;
}

const isProxied = (noProxy: string, url: string) =>
  proxyOf({ HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY, NO_PROXY: noProxy }, url) !== undefined;

describe('a proxy', () => {
  it('is the one for the scheme of what is asked for', () => {
    const variables = { HTTP_PROXY: 'http://a:1', HTTPS_PROXY: 'http://b:2' };
    expect(proxyOf(variables, 'http://registry.example')).toBe('http://a:1/');
    expect(proxyOf(variables, 'https://registry.example')).toBe('http://b:2/');
    expect(proxyOf({ HTTP_PROXY: PROXY }, 'https://registry.example')).toBeUndefined();
    expect(proxyOf({}, 'https://registry.example')).toBeUndefined();
  });

  it('is named in capitals first, and then in small letters', () => {
    const small = { https_proxy: 'http://small:1' };
    expect(proxyOf({ ...small, HTTPS_PROXY: 'http://big:1' }, 'https://a.example')).toBe(
      'http://big:1/',
    );
    expect(proxyOf({ ...small, HTTPS_PROXY: '' }, 'https://a.example')).toBe('http://small:1/');
    expect(
      proxyOf({ ...small, NO_PROXY: 'b.example', no_proxy: 'a.example' }, 'https://a.example'),
    ).toBe('http://small:1/');
  });

  it.each([
    ['proxy.example:3128', `${PROXY}/`],
    ['proxy.example', 'http://proxy.example/'],
    ['http://user:secret@proxy.example:3128', 'http://user:secret@proxy.example:3128/'],
    ['https://proxy.example', 'https://proxy.example/'],
    ['http://', undefined],
    [':', undefined],
  ])('may be written as %s', (text, href) => {
    expect(proxyOf({ HTTPS_PROXY: text }, 'https://registry.example')).toBe(href);
  });

  it('of another kind is refused, unless the request needs none', () => {
    const variables = { HTTPS_PROXY: 'socks5://user:secret@proxy.example', NO_PROXY: 'a.example' };
    expect(proxyOf(variables, 'https://a.example')).toBeUndefined();
    const error = expectCode(() => proxyOf(variables, 'https://b.example'), 'registry_unreachable');
    expect(error.message).not.toContain('secret');
  });

  it.each(['localhost', 'LOCALHOST:5000', '127.0.0.1', '127.8.8.8:5000', '[::1]', '[::1]:5000'])(
    'is never used for %s',
    (host) => {
      expect(isProxied('', `http://${host}/`)).toBe(false);
    },
  );
});

// The examples of golang.org/x/net/http/httpproxy's documentation, and what they leave open.
describe('NO_PROXY', () => {
  it.each([
    ['*', 'https://registry.example', false],
    ['other.example', 'https://registry.example', true],
    ['registry.example', 'https://registry.example', false],
    ['registry.example', 'https://REGISTRY.example:5000', false],
    ['registry.example', 'https://a.registry.example', false],
    ['registry.example', 'https://myregistry.example', true],
    ['.registry.example', 'https://registry.example', true],
    ['.registry.example', 'https://a.registry.example', false],
    ['*.registry.example', 'https://registry.example', true],
    ['*.registry.example', 'https://a.b.registry.example', false],
    ['registry.example:5000', 'https://registry.example:5000', false],
    ['registry.example:5000', 'https://registry.example', true],
    ['registry.example:443', 'https://registry.example', false],
    ['registry.example:80', 'http://registry.example', false],
    ['registry.example:', 'https://registry.example:5000', false],
    [' a.example , Registry.Example ', 'https://registry.example', false],
    [',,', 'https://registry.example', true],
    ['.', 'https://registry.example', true],
    ['10.0.0.7', 'https://10.0.0.7', false],
    ['10.0.0.7', 'https://10.0.0.70', true],
    ['10.0.0.7:5000', 'https://10.0.0.7:5000', false],
    ['10.0.0.7:5000', 'https://10.0.0.7', true],
    ['10.0.0.0/8', 'https://10.1.2.3:5000', false],
    ['10.0.0.0/8', 'https://11.1.2.3', true],
    ['10.0.0.0/33', 'https://10.1.2.3', true],
    ['10.0.0.0/8', 'https://10.0.0.0.example', true],
    ['fd00::/8', 'https://[fd00::1]', false],
    ['fd00::/8', 'https://[fe80::1]', true],
    ['fd00::1', 'https://[fd00:0:0::1]:5000', false],
    ['[fd00::1]:5000', 'https://[fd00::1]:5000', false],
    ['[fd00::1]:5000', 'https://[fd00::1]', true],
    ['10.0.0.0/8', 'https://[::ffff:10.1.2.3]', false],
  ])('%j sends %s through the proxy: %s', (noProxy, url, expected) => {
    expect(isProxied(noProxy, url)).toBe(expected);
  });

  it('may be any text', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[a-f0-9.:/[\]*,]{0,30}$/));
    fc.assert(
      fc.property(text, fc.ipV4(), fc.domain(), (noProxy, address, domain) => {
        isProxied(noProxy, `https://${address}`);
        isProxied(noProxy, `https://${domain}`);
        expect(isProxied(`${noProxy},${address}`, `https://${address}`)).toBe(false);
        expect(isProxied(`${noProxy},${domain}`, `https://${domain}`)).toBe(false);
      }),
    );
  });
});
