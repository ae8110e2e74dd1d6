// systemd's private socket against a peer that answers well, badly, late or not at all.
import { describe, expect, it } from 'vitest';
import { createSystemd, type Systemd } from '../../../agent/node/host/systemd.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import {
  type Answer,
  type Handler,
  RUNNING,
  startFakeSystemd,
  unitHandler,
} from '../../support/fake-systemd.ts';
import { createHostRoot } from '../../support/host-root.ts';

const UNIT = 'containerd.service';
const SIGNAL = new AbortController().signal;
const SOON = { readMs: 200, restartMs: 200 };

async function systemd(handler: Handler, greeting?: string): Promise<Systemd> {
  return createSystemd((await startFakeSystemd(handler, greeting)).hostRoot, SOON);
}

/** Answers one member in its own way. */
const but =
  (member: string, answer: Answer): Handler =>
  (call, peer) =>
    call.member === member ? answer : unitHandler()(call, peer);

describe('reading a unit', () => {
  it('tells what it does and with which command', async () => {
    expect(await (await systemd(unitHandler())).readUnit(UNIT, SIGNAL)).toEqual({
      activeState: 'active',
      subState: 'running',
      result: 'success',
      mainPid: 42,
      restarts: 1,
      command: ['/usr/bin/containerd', '-c', '/etc/c.toml'],
    });
  });

  it('has no process and no command where the unit has none', async () => {
    const none = {
      ...RUNNING,
      'Service MainPID': { signature: 'u', value: 0 },
      'Service ExecStart': { signature: 'a(sasbttttuii)', value: [] },
    };
    const state = await (await systemd(unitHandler('done', none))).readUnit(UNIT, SIGNAL);
    expect(state).toMatchObject({ mainPid: null, command: [] });
  });

  it.each<[string, Answer]>([
    ['an error', { error: 'org.freedesktop.DBus.Error.AccessDenied', text: 'no' }],
    ['an error of another type', { bytes: Buffer.from('nonsense, and long enough') }],
    ['nothing', { signature: '', values: [] }],
    ['a number for a path', { signature: 'u', values: [1] }],
  ])('fails when systemd answers %s', async (_, answer) => {
    const reading = (await systemd(but('LoadUnit', answer))).readUnit(UNIT, SIGNAL);
    await expectCodeAsync(reading, 'systemd_failed');
  });

  it('names the call and the error', async () => {
    const answer = { error: 'org.freedesktop.DBus.Error.AccessDenied', text: 'not\nyou' };
    const reading = (await systemd(but('LoadUnit', answer))).readUnit(UNIT, SIGNAL);
    const { message } = await expectCodeAsync(reading, 'systemd_failed');
    expect(message).toBe(
      'systemd: LoadUnit: org.freedesktop.DBus.Error.AccessDenied: not\\u{a}you',
    );
  });

  it.each([
    ['Service MainPID', { signature: 's', value: '42' }],
    ['Unit ActiveState', { signature: 'u', value: 1 }],
    ['Service ExecStart', { signature: 's', value: '/usr/bin/containerd' }],
    ['Service ExecStart', { signature: 'as', value: ['/usr/bin/containerd'] }],
  ])('fails for a property %s of another type', async (name, value) => {
    const peer = await systemd(unitHandler('done', { ...RUNNING, [name]: value }));
    await expectCodeAsync(peer.readUnit(UNIT, SIGNAL), 'systemd_failed');
  });
});

describe('restarting a unit', () => {
  it.each(['before', 'after'] as const)('waits for its job, over %s the answer', async (when) => {
    const { hostRoot, seen } = await startFakeSystemd(unitHandler('done', RUNNING, when));
    await createSystemd(hostRoot, SOON).restartUnit(UNIT, SIGNAL);
    expect(seen).toEqual([
      { member: 'ResetFailedUnit', strings: [UNIT] },
      { member: 'RestartUnit', strings: [UNIT, 'replace'] },
    ]);
  });

  it('fails with what systemd says of the unit', async () => {
    const failed = {
      ...RUNNING,
      'Unit ActiveState': { signature: 's', value: 'activating' },
      'Unit SubState': { signature: 's', value: 'auto-restart' },
      'Service Result': { signature: 's', value: 'exit-code' },
    };
    const restarting = (await systemd(unitHandler('failed', failed))).restartUnit(UNIT, SIGNAL);
    const { message } = await expectCodeAsync(restarting, 'systemd_failed');
    expect(message).toContain('found "failed"; it is activating (auto-restart), exit-code');
  });

  it('does not mind that the unit is not loaded, and does mind any other error', async () => {
    const unknown = { error: 'org.freedesktop.systemd1.NoSuchUnit', text: 'not loaded' };
    await (await systemd(but('ResetFailedUnit', unknown))).restartUnit(UNIT, SIGNAL);
    const other = { error: 'org.freedesktop.DBus.Error.Failed', text: 'no' };
    const restarting = (await systemd(but('ResetFailedUnit', other))).restartUnit(UNIT, SIGNAL);
    await expectCodeAsync(restarting, 'systemd_failed');
  });

  it.each<[string, Handler]>([
    ['answers nothing', () => null],
    [
      'never tells that the job is over',
      but('RestartUnit', { signature: 'o', values: ['/org/freedesktop/systemd1/job/9'] }),
    ],
    [
      'hangs up',
      (_, peer) => {
        peer.hangUp();
        return null;
      },
    ],
  ])('ends when systemd %s', async (_, handler) => {
    await expectCodeAsync(
      (await systemd(handler)).restartUnit(UNIT, SIGNAL),
      'systemd_unavailable',
    );
  });
});

describe('the environment of a unit', () => {
  const withEnvironment = (signature: string, value: never) =>
    systemd(unitHandler('done', { ...RUNNING, 'Service Environment': { signature, value } }));

  it('is what the unit sets', async () => {
    const peer = await withEnvironment('as', ['HTTPS_PROXY=http://proxy:3128', 'A=b=c'] as never);
    expect(await peer.readEnvironment(UNIT, SIGNAL)).toEqual([
      'HTTPS_PROXY=http://proxy:3128',
      'A=b=c',
    ]);
    expect(await (await withEnvironment('as', [] as never)).readEnvironment(UNIT, SIGNAL)).toEqual(
      [],
    );
  });

  it('is not known where systemd tells something else, or nothing', async () => {
    const peer = await withEnvironment('s', 'A=b' as never);
    await expectCodeAsync(peer.readEnvironment(UNIT, SIGNAL), 'systemd_failed');
    const absent = createSystemd(createHostRoot(), SOON);
    await expectCodeAsync(absent.readEnvironment(UNIT, SIGNAL), 'systemd_unavailable');
  });
});

describe('the version of systemd', () => {
  it.each([
    ['257.4-1~deb13u1', 257],
    ['v257.4-1.fc42', 257],
    ['258~rc1', 258],
    ['262', 262],
    ['devel', null],
    ['12345', null],
  ])('%s is %s', async (text, version) => {
    const value = { signature: 's', value: text };
    const peer = await systemd(unitHandler('done', { ...RUNNING, 'Manager Version': value }));
    expect(await peer.readVersion(SIGNAL)).toBe(version);
  });

  it('is not known where systemd does not tell it', async () => {
    expect(await (await systemd(unitHandler())).readVersion(SIGNAL)).toBeNull();
    expect(await createSystemd(createHostRoot(), SOON).readVersion(SIGNAL)).toBeNull();
  });
});

describe('connecting', () => {
  it.each(['REJECTED EXTERNAL\r\n', 'ERROR\r\n', 'x'.repeat(2000)])(
    'fails when systemd greets with %s',
    async (greeting) => {
      const peer = await systemd(unitHandler(), greeting);
      const { message } = await expectCodeAsync(peer.readUnit(UNIT, SIGNAL), 'systemd_unavailable');
      expect(message).toContain('run as root');
    },
  );

  it('fails where there is no socket, and where nobody greets in time', async () => {
    const absent = createSystemd(createHostRoot(), SOON);
    const { message } = await expectCodeAsync(absent.readUnit(UNIT, SIGNAL), 'systemd_unavailable');
    expect(message).toContain('ENOENT');
    const silent = await systemd(unitHandler(), '');
    await expectCodeAsync(silent.readUnit(UNIT, SIGNAL), 'systemd_unavailable');
  });

  it('ends when its caller is asked to stop, before and while it waits', async () => {
    const controller = new AbortController();
    const peer = await systemd((call, peer) => {
      controller.abort();
      return call.member === 'LoadUnit' ? null : unitHandler()(call, peer);
    });
    await expectCodeAsync(peer.readUnit(UNIT, controller.signal), 'systemd_unavailable');
    await expectCodeAsync(peer.readUnit(UNIT, controller.signal), 'systemd_unavailable');
  });
});
