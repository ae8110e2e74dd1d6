// Whose proxies a running agent goes by.
import { describe, expect, it } from 'vitest';
import { createProxyOf } from '../../../agent/commands/run/proxies.ts';

const URL_ASKED = new URL('https://registry.example');

describe('the proxies of the agent', () => {
  it('are containerd’s, as they are now', () => {
    let followed: Record<string, string> | null = null;
    const proxyOf = createProxyOf({ PATH: '/bin', HTTPS_PROXY: '' }, () => followed);
    expect(proxyOf(URL_ASKED)).toBeUndefined();
    followed = { HTTPS_PROXY: 'http://a:1' };
    expect(proxyOf(URL_ASKED)?.host).toBe('a:1');
    followed = { HTTPS_PROXY: 'http://b:1', NO_PROXY: 'registry.example' };
    expect(proxyOf(URL_ASKED)).toBeUndefined();
  });

  it('are its own if it has any', () => {
    const proxyOf = createProxyOf({ https_proxy: 'http://own:1' }, () => ({
      HTTPS_PROXY: 'http://a:1',
    }));
    expect(proxyOf(URL_ASKED)?.host).toBe('own:1');
  });
});
