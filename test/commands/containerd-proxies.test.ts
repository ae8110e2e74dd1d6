// Whose environment tells of containerd's proxies.
import { describe, expect, it } from 'vitest';
import { readContainerdAccess } from '../../agent/commands/containerd-proxies.ts';
import { parseToml } from '../../agent/node/containerd/toml.ts';
import { RUNNING, startFakeSystemd, unitHandler } from '../support/fake-systemd.ts';
import { createHostRoot } from '../support/host-root.ts';

const SIGNAL = new AbortController().signal;
const effective = {
  values: parseToml(Buffer.from(''), 'dump'),
  process: { pid: 7 },
} as Parameters<typeof readContainerdAccess>[1];

const read = (hostRoot: string, environ: string | null) =>
  readContainerdAccess(
    { hostRoot, containerdUnit: 'containerd.service' },
    effective,
    { read: () => Promise.resolve(environ === null ? null : Buffer.from(environ)) },
    SIGNAL,
  );

describe('containerd’s proxies', () => {
  it('are those of its process, else of its unit, else not known', async () => {
    const value = ['HTTPS_PROXY=http://unit:1', 'OTHER=x'];
    const environment = { 'Service Environment': { signature: 'as', value } };
    const { hostRoot } = await startFakeSystemd(
      unitHandler('done', { ...RUNNING, ...environment }),
    );
    expect((await read(hostRoot, 'HTTPS_PROXY=http://own:1\0')).proxyVariables).toEqual({
      HTTPS_PROXY: 'http://own:1',
    });
    expect((await read(hostRoot, null)).proxyVariables).toEqual({
      HTTPS_PROXY: 'http://unit:1',
    });
    expect((await read(createHostRoot(), null)).proxyVariables).toBeNull();
  });
});
