import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readBinDir } from '../../../agent/node/containerd/bin-dir.ts';
import { createHostReader } from '../../../agent/node/host/host-reader.ts';
import { putExecutable } from '../../support/containerd-host.ts';
import { createHostRoot, put } from '../../support/host-root.ts';

const BIN_DIR = '/opt/bin';

describe('the directory of verifiers', () => {
  it('is listed whole, in containerd’s order, telling what can only fail', async () => {
    const hostRoot = createHostRoot();
    for (const name of ['b', 'a', 'B', '.hidden', 'é'])
      putExecutable(hostRoot, `${BIN_DIR}/${name}`);
    put(hostRoot, `${BIN_DIR}/README`, 'text');
    mkdirSync(join(hostRoot, BIN_DIR, '..data'));
    symlinkSync('b', join(hostRoot, BIN_DIR, 'link'));
    symlinkSync('absent', join(hostRoot, BIN_DIR, 'dangling'));
    symlinkSync('loop', join(hostRoot, BIN_DIR, 'loop'));
    const { entries } = await readBinDir(createHostReader(hostRoot), BIN_DIR, 100);
    expect(entries).toEqual([
      { name: '..data', kind: 'broken' },
      { name: '.hidden', kind: 'executable' },
      { name: 'B', kind: 'executable' },
      { name: 'README', kind: 'broken' },
      { name: 'a', kind: 'executable' },
      { name: 'b', kind: 'executable' },
      { name: 'dangling', kind: 'broken' },
      { name: 'link', kind: 'executable' },
      { name: 'loop', kind: 'broken' },
      { name: 'é', kind: 'executable' },
    ]);
  });

  it('may be absent, empty, unset or no directory', async () => {
    const hostRoot = createHostRoot();
    const entries = async (path = BIN_DIR) =>
      (await readBinDir(createHostReader(hostRoot), path, 100)).entries;
    expect(await entries()).toBeNull();
    expect(await entries('')).toBeNull();
    mkdirSync(join(hostRoot, BIN_DIR), { recursive: true });
    expect(await entries()).toEqual([]);
    put(hostRoot, '/opt/file', '');
    expect(await entries('/opt/file')).toBe('unreadable');
    expect(await entries('/opt/file/below')).toBe('unreadable');
  });

  it('is told to be on a mount without execution, as its containerd sees it', async () => {
    const hostRoot = createHostRoot();
    const isNoexec = async (path: string) =>
      (await readBinDir(createHostReader(hostRoot), path, 100)).isNoexec;
    expect(await isNoexec(BIN_DIR)).toBe(false);
    put(hostRoot, '/proc/100/mountinfo', '1 1 8:1 / /opt rw,noexec - ext4 /dev/sda1 rw\n');
    expect(await isNoexec(BIN_DIR)).toBe(true);
    expect(await isNoexec('/usr/../opt/bin/')).toBe(true);
    expect(await isNoexec('/optional/bin')).toBe(false);
  });
});
