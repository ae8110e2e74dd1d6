import { describe, expect, it } from 'vitest';
import {
  proxyVariables,
  readRegistryAccess,
} from '../../../agent/node/containerd/registry-access.ts';
import { parseToml } from '../../../agent/node/containerd/toml.ts';

const process = { pid: 7 } as Parameters<typeof readRegistryAccess>[0]['process'];

function access(toml: string, environ: string | null | Error) {
  const values = parseToml(Buffer.from(toml), 'dump');
  const read = (path: string) => {
    expect(path).toBe('/proc/7/environ');
    if (environ instanceof Error) return Promise.reject(environ);
    return Promise.resolve(environ === null ? null : Buffer.from(environ));
  };
  return readRegistryAccess({ values, process }, { read });
}

const TOML = `[plugins.'io.containerd.cri.v1.images'.registry]\nconfig_path = '/a:/b'\n`;

describe('how containerd reaches registries', () => {
  it('is its config_path and the proxies of its environment, and nothing else of it', async () => {
    const environ = 'PATH=/bin\0HTTPS_PROXY=http://proxy:3128\0no_proxy=a=b,c\0SECRET=x\0';
    expect(await access(TOML, environ)).toEqual({
      hostsPath: '/a:/b',
      proxyVariables: { HTTPS_PROXY: 'http://proxy:3128', no_proxy: 'a=b,c' },
    });
    expect(await access('', 'PATH=/bin\0')).toEqual({ hostsPath: '', proxyVariables: {} });
  });

  it('has unknown proxies where its environment cannot be read', async () => {
    expect((await access(TOML, null)).proxyVariables).toBeNull();
    expect((await access(TOML, new Error('EACCES'))).proxyVariables).toBeNull();
  });

  it('is told by a unit too', () => {
    expect(proxyVariables(['HTTP_PROXY=http://a', 'X', 'https_proxy='])).toEqual({
      HTTP_PROXY: 'http://a',
      https_proxy: '',
    });
  });
});
