// A configuration file is changed and taken back: judged, restarted, undone, killed at every file operation.
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../agent/errors.ts';
import {
  changeConfig,
  type ContainerdControl,
  type FileChange,
  restoreConfig,
  resumeChange,
  withHostLock,
} from '../../../../agent/node/host/containerd-config/change-config.ts';
import {
  type TextAccess,
  withStaged,
} from '../../../../agent/node/host/containerd-config/host-text.ts';
import { readRecordState } from '../../../../agent/node/host/containerd-config/record-file.ts';
import { type HostFs, NODE_HOST_FS } from '../../../../agent/node/host/host-fs.ts';
import { expectCodeAsync } from '../../../support/expect-code.ts';
import { createHostRoot, put, snapshot } from '../../../support/host-root.ts';

const PATH = '/etc/containerd/config.toml';
const DROP_IN = '/etc/containerd/conf.d/zz-nodeseal.toml';
const RECORD = '/var/lib/nodeseal/containerd-config.json';
const SIGNAL = new AbortController().signal;
const WRITTEN = [{ path: ['a'], raw: '2', before: '1', isTableOurs: false }];
const FAULT = new AgentError('systemd_failed', 'did not start');

function hostWith(text: string | null = 'a = 1\n'): TextAccess {
  const hostRoot = createHostRoot();
  put(hostRoot, '/etc/containerd/other', '');
  put(hostRoot, '/var/lib/other', '');
  if (text !== null) put(hostRoot, PATH, text);
  return { hostRoot, owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 } };
}

const changeTo = (after: string, change: Partial<FileChange> = {}): FileChange => ({
  path: PATH,
  current: 'a = 1\n',
  after,
  before: 'a = 1\n',
  written: WRITTEN,
  previous: null,
  ...change,
});

/** A containerd that comes up only with these texts in the root file; without them, with all. */
function controlOf({ hostRoot }: TextAccess, good?: readonly string[], judgement?: Error) {
  const restarts: string[] = [];
  const control: ContainerdControl = {
    judge: () => (judgement === undefined ? Promise.resolve() : Promise.reject(judgement)),
    restart: () => {
      const path = join(hostRoot, PATH);
      const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
      restarts.push(text);
      const isGood = good === undefined || good.includes(text);
      return isGood ? Promise.resolve() : Promise.reject(FAULT);
    },
  };
  return { control, restarts };
}

const read = ({ hostRoot }: TextAccess, path = PATH) => readFileSync(join(hostRoot, path), 'utf8');

describe('a change', () => {
  it('is in place with its record, keeps mode and owner, and goes with both', async () => {
    const host = hostWith();
    chmodSync(join(host.hostRoot, PATH), 0o750);
    const before = snapshot(host.hostRoot);
    const { control, restarts } = controlOf(host);
    await changeConfig(host, changeTo('a = 2\n'), control, SIGNAL);
    expect(restarts).toEqual(['a = 2\n']);
    expect(statSync(join(host.hostRoot, PATH)).mode & 0o777).toBe(0o750);
    const state = await readRecordState(host);
    expect(state).toMatchObject({
      kind: 'ours',
      record: { path: PATH, before: 'a = 1\n', written: WRITTEN },
    });
    if (state.kind !== 'ours') return;
    await restoreConfig(
      host,
      state.record,
      state.record.before,
      { ...control, wasServing: true },
      SIGNAL,
    );
    expect(snapshot(host.hostRoot)).toEqual(before);
    expect(await readRecordState(host)).toEqual({ kind: 'none' });
  });

  it('that makes a file takes file and folders away again', async () => {
    const host = hostWith();
    const before = snapshot(host.hostRoot);
    const { control } = controlOf(host);
    const change = changeTo('a = 2\n', { path: DROP_IN, current: null, before: null });
    await changeConfig(host, change, control, SIGNAL);
    const state = await readRecordState(host);
    if (state.kind !== 'ours') throw new TypeError(state.kind);
    await restoreConfig(host, state.record, null, { ...control, wasServing: true }, SIGNAL);
    expect(snapshot(host.hostRoot)).toEqual(before);
  });

  it('that containerd judges otherwise where it stands is taken back without a restart', async () => {
    const host = hostWith();
    const before = snapshot(host.hostRoot);
    const judgement = new AgentError('containerd_change_refused', 'other');
    const { control, restarts } = controlOf(host, undefined, judgement);
    const changing = changeConfig(host, changeTo('a = 2\n'), control, SIGNAL);
    await expectCodeAsync(changing, 'containerd_change_refused');
    expect(restarts).toEqual([]);
    expect(snapshot(host.hostRoot)).toEqual(before);
  });

  it('that containerd does not come up with is undone, byte for byte, and containerd restarted', async () => {
    const host = hostWith();
    const before = snapshot(host.hostRoot);
    const { control, restarts } = controlOf(host, ['a = 1\n']);
    const changing = changeConfig(host, changeTo('a = 2\n'), control, SIGNAL);
    const { message } = await expectCodeAsync(changing, 'containerd_change_undone');
    expect(message).toContain('did not start');
    expect(restarts).toEqual(['a = 2\n', 'a = 1\n']);
    expect(snapshot(host.hostRoot)).toEqual(before);
  });

  it('is undone too when containerd does not come up any more at all, which is said', async () => {
    const host = hostWith();
    const before = snapshot(host.hostRoot);
    const { control } = controlOf(host, []);
    const changing = changeConfig(host, changeTo('a = 2\n'), control, SIGNAL);
    await expectCodeAsync(changing, 'containerd_down');
    expect(snapshot(host.hostRoot)).toEqual(before);
  });

  it('is undone with the first one’s record kept, when it is the second', async () => {
    const host = hostWith();
    const { control } = controlOf(host, ['a = 1\n', 'a = 2\n']);
    await changeConfig(host, changeTo('a = 2\n'), control, SIGNAL);
    const first = await readRecordState(host);
    if (first.kind !== 'ours') throw new TypeError(first.kind);
    const second = changeTo('a = 3\n', { current: 'a = 2\n', previous: first.record });
    const changing = changeConfig(host, second, control, SIGNAL);
    await expectCodeAsync(changing, 'containerd_change_undone');
    expect(await readRecordState(host)).toEqual(first);
  });

  it('is refused when the file is not what was read, or is a link', async () => {
    const host = hostWith('a = 5\n');
    const { control } = controlOf(host);
    const changing = changeConfig(host, changeTo('a = 2\n'), control, SIGNAL);
    await expectCodeAsync(changing, 'containerd_change_refused');
    const linked = hostWith(null);
    put(linked.hostRoot, '/etc/containerd/real.toml', 'a = 1\n');
    symlinkSync('real.toml', join(linked.hostRoot, PATH));
    const through = changeConfig(linked, changeTo('a = 2\n'), control, SIGNAL);
    await expectCodeAsync(through, 'host_write_failed');
    expect(read(linked, '/etc/containerd/real.toml')).toBe('a = 1\n');
    expect(await readRecordState(linked)).toEqual({ kind: 'none' });
  });

  it('killed at any file operation leaves a whole file, and can be taken back', async () => {
    let killed = 0;
    for (let at = 1; ; at += 1) {
      const host = hostWith();
      const before = snapshot(host.hostRoot);
      const failing = killAt(at);
      const { control } = controlOf(host);
      await changeConfig({ ...host, fs: failing.fs }, changeTo('a = 2\n'), control, SIGNAL).catch(
        () => undefined,
      );
      expect(['a = 1\n', 'a = 2\n']).toContain(read(host));
      const state = await readRecordState(host);
      if (read(host) === 'a = 2\n') expect(state.kind).toBe('ours');
      if (!failing.isKilled()) break;
      killed += 1;
      // The next run begins anew, or goes on, and a clean-up after it leaves nothing.
      if (state.kind === 'ours') await resumeChange(host, state.record, control, SIGNAL);
      else await changeConfig(host, changeTo('a = 2\n'), control, SIGNAL);
      const now = await readRecordState(host);
      if (now.kind !== 'ours') throw new TypeError(now.kind);
      await restoreConfig(
        host,
        now.record,
        now.record.before,
        { ...control, wasServing: true },
        SIGNAL,
      );
      expect({ ...snapshot(host.hostRoot) }).toMatchObject(before);
      expect(existsSync(join(host.hostRoot, RECORD))).toBe(false);
    }
    expect(killed).toBeGreaterThan(10);
  });
});

describe('a change that was not finished', () => {
  it('is finished by a restart, and undone when that fails', async () => {
    const host = hostWith();
    const { control } = controlOf(host);
    await changeConfig(host, changeTo('a = 2\n'), control, SIGNAL);
    const state = await readRecordState(host);
    if (state.kind !== 'ours') throw new TypeError(state.kind);
    await resumeChange(host, state.record, control, SIGNAL);
    expect(read(host)).toBe('a = 2\n');
    const { control: worse } = controlOf(host, ['a = 1\n']);
    const resuming = resumeChange(host, state.record, worse, SIGNAL);
    await expectCodeAsync(resuming, 'containerd_change_undone');
    expect(read(host)).toBe('a = 1\n');
  });
});

describe('taking it back', () => {
  async function changed() {
    const host = hostWith();
    await changeConfig(host, changeTo('a = 2\n'), controlOf(host).control, SIGNAL);
    const state = await readRecordState(host);
    if (state.kind !== 'ours') throw new TypeError(state.kind);
    return { host, record: state.record };
  }

  it('keeps ours when containerd does not come up with what was before', async () => {
    const { host, record } = await changed();
    const { control } = controlOf(host, ['a = 2\n']);
    const restoring = restoreConfig(
      host,
      record,
      'a = 1\n',
      { ...control, wasServing: true },
      SIGNAL,
    );
    await expectCodeAsync(restoring, 'containerd_change_undone');
    expect(await readRecordState(host)).toMatchObject({ kind: 'ours' });
  });

  it('keeps ours, without a restart, when containerd could not read what was before', async () => {
    const { host, record } = await changed();
    const { control, restarts } = controlOf(host, undefined, FAULT);
    const restoring = restoreConfig(
      host,
      record,
      'a = 1\n',
      { ...control, wasServing: true },
      SIGNAL,
    );
    await expectCodeAsync(restoring, 'systemd_failed');
    expect(restarts).toEqual([]);
    expect(await readRecordState(host)).toMatchObject({ kind: 'ours' });
  });

  it('is not held up by a containerd that was down anyway', async () => {
    const { host, record } = await changed();
    const { control } = controlOf(host, []);
    await restoreConfig(host, record, 'a = 1\n', { ...control, wasServing: false }, SIGNAL);
    expect(read(host)).toBe('a = 1\n');
    expect(await readRecordState(host)).toEqual({ kind: 'none' });
  });

  it('sees what others did: changed, put back, removed', async () => {
    const { host } = await changed();
    put(host.hostRoot, PATH, 'a = 2\nb = 1\n');
    expect(await readRecordState(host)).toMatchObject({ kind: 'changed', text: 'a = 2\nb = 1\n' });
    put(host.hostRoot, PATH, 'a = 1\n');
    expect(await readRecordState(host)).toMatchObject({ kind: 'gone' });
  });

  it.each([
    '[]',
    '{"version":2}',
    'no JSON',
    '{"version":1,"path":"../x","before":null,"afterSha256":"","written":[],"directories":[]}',
    `{"version":1,"path":"/x","before":null,"afterSha256":"${'0'.repeat(64)}","written":[{}],"directories":[]}`,
    `{"version":1,"path":"/x","before":1,"afterSha256":"${'0'.repeat(64)}","written":[],"directories":[]}`,
    `{"version":1,"path":"/x","before":null,"afterSha256":"x","written":[],"directories":[]}`,
    `{"version":1,"path":"/x","before":null,"afterSha256":"${'0'.repeat(64)}","written":[],"directories":["/a/../b"]}`,
  ])('refuses the record %s', async (text) => {
    const host = hostWith();
    put(host.hostRoot, RECORD, text);
    await expectCodeAsync(readRecordState(host), 'host_write_failed');
  });
});

describe('beside the file', () => {
  it('what is staged is gone afterwards, whatever happened', async () => {
    const host = hostWith();
    const before = snapshot(host.hostRoot);
    const files = new Map([[`/etc/containerd/.x`, 'x']]);
    const seen = await withStaged(host, files, () =>
      Promise.resolve(read(host, '/etc/containerd/.x')),
    );
    expect(seen).toBe('x');
    await expect(withStaged(host, files, () => Promise.reject(FAULT))).rejects.toBe(FAULT);
    expect(snapshot(host.hostRoot)).toEqual(before);
  });

  it('nobody else works', async () => {
    const host = hostWith();
    await withHostLock(host, true, async () => {
      const other = withHostLock(host, false, () => Promise.resolve());
      await expectCodeAsync(other, 'host_busy');
    });
  });
});

/** From its `at`th file operation that writes on, nothing works any more. */
function killAt(at: number): { fs: HostFs; isKilled(): boolean } {
  let count = 0;
  const fatal = new Set([
    'mkdir',
    'create',
    'setAttributes',
    'rename',
    'unlink',
    'rmdir',
    'syncDirectory',
  ]);
  const fs = new Proxy(NODE_HOST_FS, {
    get: (target, name, receiver) => {
      const method: unknown = Reflect.get(target, name, receiver);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]): unknown => {
        if (fatal.has(String(name)) || count >= at) count += 1;
        if (count >= at) return Promise.reject(Object.assign(new Error('killed'), { code: 'EIO' }));
        return Reflect.apply(method, target, args);
      };
    },
  });
  return { fs, isKilled: () => count >= at };
}
