import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { findContainerd } from '../../../agent/node/containerd/process.ts';
import { createHostReader } from '../../../agent/node/host/host-reader.ts';
import { BOOT_SECONDS, type FakeProcess, putProcess } from '../../support/containerd-host.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { createHostRoot, put } from '../../support/host-root.ts';

const SOCKET = '/run/containerd/containerd.sock';

function find(
  processes: readonly FakeProcess[],
  { socket = SOCKET, mainPid = null as number | null } = {},
) {
  const hostRoot = createHostRoot();
  put(hostRoot, '/proc/version', 'Linux');
  for (const process of processes) putProcess(hostRoot, process);
  return findContainerd(createHostReader(hostRoot), socket, mainPid);
}

describe('the process of containerd', () => {
  it('is described by what /proc says', async () => {
    const process = { pid: 7, startedSeconds: BOOT_SECONDS + 12.34 };
    expect(await find([process])).toEqual({
      pid: 7,
      commandLine: ['/usr/bin/containerd'],
      executable: '/usr/bin/containerd',
      isReplaced: false,
      configPath: '/etc/containerd/config.toml',
      startedAt: new Date((BOOT_SECONDS + 12.34) * 1000),
    });
  });

  it.each([
    ['to the hundredth', 0.5, 0.5],
    ['to the second where /proc/uptime is of something else', 3, 0],
  ])('has started at a time known %s', async (_, fraction, expected) => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const hostRoot = createHostRoot();
    putProcess(hostRoot, { startedSeconds: BOOT_SECONDS + 10 });
    const uptime = Date.now() / 1000 - BOOT_SECONDS - fraction;
    put(hostRoot, '/proc/uptime', `${uptime.toFixed(2)} 1.00\n`);
    const { startedAt } = await findContainerd(createHostReader(hostRoot), SOCKET);
    expect(startedAt.getTime() / 1000 - BOOT_SECONDS - 10).toBeCloseTo(expected, 1);
  });

  it('has its configuration where its command line says, relative to its working directory', async () => {
    const absolute = ['/usr/bin/containerd', '--config', '/a/b.toml'];
    expect((await find([{ commandLine: absolute }])).configPath).toBe('/a/b.toml');
    const relative = { commandLine: ['containerd', '-c', 'b.toml'], workingDirectory: '/srv' };
    expect((await find([relative])).configPath).toBe('/srv/b.toml');
  });

  it('is known to have been replaced on the disk', async () => {
    const found = await find([{ executable: '/usr/bin/containerd (deleted)' }]);
    expect(found).toMatchObject({ executable: '/usr/bin/containerd', isReplaced: true });
  });

  it('is asked by the name containerd where the program has many names', async () => {
    const hostRoot = createHostRoot();
    const bin = '/var/lib/rancher/k3s/data/abc/bin';
    put(hostRoot, `${bin}/containerd`, '');
    putProcess(hostRoot, { commandLine: ['containerd'], executable: `${bin}/k3s` });
    const found = await findContainerd(createHostReader(hostRoot), SOCKET);
    expect(found.executable).toBe(`${bin}/containerd`);
  });

  it('is found where its program may not be looked up', async () => {
    const hostRoot = createHostRoot();
    put(hostRoot, '/usr/local/bin/containerd', '');
    putProcess(hostRoot, { commandLine: ['containerd'], executable: null });
    const found = await findContainerd(createHostReader(hostRoot), SOCKET);
    expect(found).toMatchObject({ executable: '/usr/local/bin/containerd', isReplaced: false });
  });

  it.each<[string, FakeProcess[], { socket?: string; mainPid?: number }]>([
    [
      'the one that names the socket, not the main process, which may be k3s’s own',
      [
        { pid: 1, commandLine: ['containerd', '-a', '/run/k3s/containerd/containerd.sock'] },
        { pid: 2 },
      ],
      { socket: '/run/k3s/containerd/containerd.sock', mainPid: 2 },
    ],
    [
      'the main process of the unit',
      [
        { pid: 1, commandLine: ['containerd', '-c', '/a'] },
        { pid: 2, commandLine: ['containerd', '-c', '/b'] },
      ],
      { mainPid: 1 },
    ],
    [
      'the one with nothing but defaults, not Docker’s',
      [
        { pid: 1 },
        { pid: 2, commandLine: ['containerd', '--config', '/var/run/docker/containerd.toml'] },
      ],
      {},
    ],
    [
      'not one that dumps a configuration',
      [{ pid: 1 }, { pid: 2, commandLine: ['containerd', 'config', 'dump'] }],
      {},
    ],
    ['not a shim', [{ pid: 1 }, { pid: 2, comm: 'containerd-shim' }], {}],
    [
      'not one in a container, whatever it calls itself',
      [{ pid: 1 }, { pid: 2, nspid: [2, 7], commandLine: ['containerd', '-a', SOCKET] }],
      {},
    ],
    [
      'not one in a pod that shares the host’s processes',
      [
        { pid: 1 },
        {
          pid: 2,
          cgroup: '/../../kubepods.slice/kubepods-burstable.slice/pod1/x',
          commandLine: ['containerd', '-a', SOCKET],
        },
      ],
      {},
    ],
    [
      'not another user’s',
      [{ pid: 1 }, { pid: 2, uid: 1000, commandLine: ['containerd', '-a', SOCKET] }],
      {},
    ],
    ['not one that has ended', [{ pid: 1 }, { pid: 2, commandLine: [] }], {}],
  ])('is %s', async (_, processes, options) => {
    expect((await find(processes, options)).pid).toBe(1);
  });

  it.each<[string, FakeProcess[]]>([
    ['there is none', []],
    [
      'it cannot be told from another',
      [
        { pid: 1, commandLine: ['containerd', '-c', '/a'] },
        { pid: 2, commandLine: ['containerd', '-c', '/b'] },
      ],
    ],
    ['the only one serves another socket', [{ commandLine: ['containerd', '-a', '/elsewhere'] }]],
  ])('is missing when %s', async (_, processes) => {
    await expectCodeAsync(find(processes), 'containerd_missing');
  });

  it('is missing when it ends while it is looked at', async () => {
    const hostRoot = createHostRoot();
    putProcess(hostRoot);
    unlinkSync(join(hostRoot, '/proc/100/stat'));
    await expectCodeAsync(findContainerd(createHostReader(hostRoot), SOCKET), 'containerd_missing');
  });

  it('cannot be looked for where /proc is none', async () => {
    const hostRoot = createHostRoot();
    put(hostRoot, '/proc', 'a file');
    const found = findContainerd(createHostReader(hostRoot), SOCKET);
    await expectCodeAsync(found, 'containerd_config_unreadable');
  });
});
