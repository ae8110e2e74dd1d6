// systemd of the host over its private D-Bus socket: what a unit does, and restarting it.
//
// Chosen over its alternatives: `systemctl` in the host's mounts takes chroot and the host's own program, and there is
// text to read; with hostPID and nsenter this process could be every other one. The bus of the host needs a daemon
// that minimal hosts do without. The private socket is systemd's own, takes one mount, and lets in root alone.
import { join } from 'node:path';
import { AgentError } from '../../errors.ts';
import { withDeadline } from '../../deadline.ts';
import { show } from '../../oci/show.ts';
import { connectPeer, type PeerConnection, PeerError } from './dbus/connection.ts';
import type { Message } from './dbus/message.ts';
import type { DbusValue } from './dbus/values.ts';

/** Where systemd listens, as a path of the host. */
export const SYSTEMD_SOCKET = '/run/systemd/private';

/** Properties are read from memory; a node that starts 50 pods at once gets this long. */
export const READ_TIMEOUT_MS = 10_000;

/** systemd gives a unit 90 s to stop and 90 s to start unless it says otherwise. */
export const RESTART_TIMEOUT_MS = 200_000;

/** A service as systemd has it. */
export interface UnitState {
  /** `active`, `activating`, `failed`, `inactive` and others that systemd may add. */
  readonly activeState: string;
  /** Such as `running` or `auto-restart`. */
  readonly subState: string;
  /** `success`, or why it failed last, such as `exit-code` or `start-limit-hit`. */
  readonly result: string;
  /** Null when it does not run. */
  readonly mainPid: number | null;
  /** How often systemd restarted it of its own accord. */
  readonly restarts: number;
  /** Program and arguments, the program's name first; empty for a unit that has no command. */
  readonly command: readonly string[];
}

/** One systemd. Each operation has a connection of its own, because systemd closes all when it is itself restarted. */
export interface Systemd {
  /**
   * Reads a service. A unit that does not exist is `inactive`, as systemd has it. Throws
   * `systemd_unavailable` when systemd cannot be asked, and `systemd_failed` when it answers badly.
   */
  readUnit(unit: string, signal: AbortSignal): Promise<UnitState>;
  /**
   * Restarts a service and waits until the restart is over; it is forgotten before how often the
   * service failed, so that systemd does not refuse for that. Throws `systemd_failed`, also when the
   * restart fails, and `systemd_unavailable`: then it may be under way.
   */
  restartUnit(unit: string, signal: AbortSignal): Promise<void>;
  /**
   * The variables that a unit sets by itself, each `NAME=value`; those from its files are not among
   * them. Throws as `readUnit` does.
   */
  readEnvironment(unit: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Its own version, such as 257; null when it cannot be asked or says something else. Does not throw. */
  readVersion(signal: AbortSignal): Promise<number | null>;
}

/** How long to wait, in milliseconds. */
export interface SystemdTimeouts {
  readonly readMs: number;
  readonly restartMs: number;
}

/** The systemd of a host whose root is at `hostRoot`. Nothing is connected yet. */
export function createSystemd(
  hostRoot: string,
  { readMs, restartMs }: SystemdTimeouts = {
    readMs: READ_TIMEOUT_MS,
    restartMs: RESTART_TIMEOUT_MS,
  },
): Systemd {
  const path = join(hostRoot, SYSTEMD_SOCKET);
  const withPeer = <T>(
    signal: AbortSignal,
    ms: number,
    work: (peer: PeerConnection) => Promise<T>,
  ) =>
    withDeadline(signal, ms, async (within) => {
      const peer = await connectPeer(path, within);
      try {
        return await work(peer);
      } finally {
        peer.close();
      }
    });
  return {
    readVersion: (signal) => withPeer(signal, readMs, readVersion).catch(() => null),
    readEnvironment: (unit, signal) =>
      withPeer(signal, readMs, (peer) => readEnvironment(peer, unit)),
    readUnit: (unit, signal) => withPeer(signal, readMs, (peer) => readUnit(peer, unit)),
    restartUnit: (unit, signal) => withPeer(signal, restartMs, (peer) => restartUnit(peer, unit)),
  };
}

const DESTINATION = 'org.freedesktop.systemd1';
const MANAGER = 'org.freedesktop.systemd1.Manager';
const MANAGER_PATH = '/org/freedesktop/systemd1';
const UNIT = 'org.freedesktop.systemd1.Unit';
const SERVICE = 'org.freedesktop.systemd1.Service';

/** Packagers put it as `257.4-1~deb13u1` or `v257.4-1.fc42`. */
const VERSION = /^v?(\d{1,4})(?!\d)/;

async function readVersion(peer: PeerConnection): Promise<number | null> {
  const version = VERSION.exec(
    text([await property(peer, MANAGER_PATH, MANAGER, 'Version')], 'Version'),
  )?.[1];
  return version === undefined ? null : Number(version);
}

async function readUnit(peer: PeerConnection, unit: string): Promise<UnitState> {
  // Unlike GetUnit, it knows those too that do not run and that nothing needs.
  const path = text(await manager(peer, 'LoadUnit', [unit]), 'the path of a unit');
  const textOf = async (owner: string, name: string) =>
    text([await property(peer, path, owner, name)], name);
  const mainPid = number(await property(peer, path, SERVICE, 'MainPID'), 'MainPID');
  return {
    activeState: await textOf(UNIT, 'ActiveState'),
    subState: await textOf(UNIT, 'SubState'),
    result: await textOf(SERVICE, 'Result'),
    mainPid: mainPid === 0 ? null : mainPid,
    restarts: number(await property(peer, path, SERVICE, 'NRestarts'), 'NRestarts'),
    command: argumentsOf(await property(peer, path, SERVICE, 'ExecStart')),
  };
}

async function readEnvironment(peer: PeerConnection, unit: string): Promise<readonly string[]> {
  const path = text(await manager(peer, 'LoadUnit', [unit]), 'the path of a unit');
  return texts(await property(peer, path, SERVICE, 'Environment'), 'Environment');
}

async function property(
  peer: PeerConnection,
  path: string,
  owner: string,
  name: string,
): Promise<DbusValue> {
  const [value] = await peer.call({
    destination: DESTINATION,
    path,
    interface: 'org.freedesktop.DBus.Properties',
    member: 'Get',
    strings: [owner, name],
  });
  if (typeof value !== 'object' || !('value' in value)) throw unexpected(name, value);
  return value.value;
}

async function restartUnit(peer: PeerConnection, unit: string): Promise<void> {
  await resetFailed(peer, unit);
  // It may be over before we know by which name it goes.
  const removed = new Map<DbusValue, DbusValue>();
  const watcher = Promise.withResolvers<undefined>();
  let wanted: string | null = null;
  peer.onSignal((message) => {
    const job = removedJob(message);
    if (job === null) return;
    removed.set(job.path, job.result);
    if (job.path === wanted) watcher.resolve(undefined);
  });
  // What this needs that is under way is replaced, as systemctl does.
  wanted = text(await manager(peer, 'RestartUnit', [unit, 'replace']), 'the path of a job');
  if (!removed.has(wanted)) await Promise.race([watcher.promise, peer.ended]);
  const result = removed.get(wanted);
  if (result === 'done') return;
  const { activeState, subState, result: reason } = await readUnit(peer, unit);
  const fault = `expected the restart to end with "done", found ${show(result)}`;
  throw new AgentError(
    'systemd_failed',
    `systemd: ${unit}: ${fault}; it is ${activeState} (${subState}), ${reason}; see journalctl -u ${unit}`,
  );
}

/** A unit that nothing has loaded has not failed either. */
async function resetFailed(peer: PeerConnection, unit: string): Promise<void> {
  try {
    await manager(peer, 'ResetFailedUnit', [unit]);
  } catch (error) {
    const isUnknown = error instanceof PeerError && error.errorName === `${DESTINATION}.NoSuchUnit`;
    if (!isUnknown) throw error;
  }
}

/** systemd tells every peer, asked or not, of every job that is over: `uoss`, of which the path and the result. */
function removedJob(message: Message): { path: DbusValue; result: DbusValue } | null {
  if (message.interface !== MANAGER || message.member !== 'JobRemoved') return null;
  const [, path, , result] = message.values();
  return path === undefined || result === undefined ? null : { path, result };
}

function manager(peer: PeerConnection, member: string, strings: readonly string[]) {
  const place = { destination: DESTINATION, path: MANAGER_PATH, interface: MANAGER };
  return peer.call({ ...place, member, strings });
}

/** `a(sasbttttuii)`: of the first command its arguments, which the program's name leads. */
function argumentsOf(commands: DbusValue): readonly string[] {
  if (!Array.isArray(commands)) throw unexpected('ExecStart', commands);
  const [command] = commands as readonly DbusValue[];
  if (command === undefined) return [];
  return texts(Array.isArray(command) ? command[1] : undefined, 'ExecStart');
}

function texts(values: unknown, name: string): readonly string[] {
  const isText = (value: unknown): value is string => typeof value === 'string';
  if (!Array.isArray(values) || !values.every(isText)) throw unexpected(name, values);
  return values;
}

function text([value]: readonly DbusValue[], name: string): string {
  if (typeof value !== 'string') throw unexpected(name, value);
  return value;
}

function number(value: DbusValue, name: string): number {
  if (typeof value !== 'number') throw unexpected(name, value);
  return value;
}

function unexpected(name: string, found: unknown): AgentError {
  return new AgentError('systemd_failed', `systemd: expected ${name}, found ${show(found)}`);
}
