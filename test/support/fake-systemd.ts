// A systemd on a Unix socket that stands in for the real one where a test needs answers that it never gives.
import { mkdirSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { SYSTEMD_SOCKET } from '../../agent/node/host/systemd.ts';
import { createHostRoot } from './host-root.ts';
import { decodeMessage, messageLength } from '../../agent/node/host/dbus/message.ts';
import { type Encodable, encodeMessage } from './dbus-encode.ts';

/** What was called: the member and its arguments. */
export interface SeenCall {
  readonly member: string;
  readonly strings: readonly string[];
}

/** What to send: values by their signature, an error by its name, bytes as they are, or nothing. */
export type Answer =
  | { readonly signature: string; readonly values: readonly Encodable[] }
  | { readonly error: string; readonly text: string }
  | { readonly bytes: Uint8Array }
  | null;

export type Handler = (call: SeenCall, peer: FakePeer) => Answer;

export class FakePeer {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Ends the connection. */
  hangUp(): void {
    this.#socket.end();
  }

  /** Tells that a job is over. */
  removed(job: string, result: string, unit = 'containerd.service'): void {
    const fields = [
      [1, 'o', '/org/freedesktop/systemd1'],
      [2, 's', 'org.freedesktop.systemd1.Manager'],
      [3, 's', 'JobRemoved'],
    ] as const;
    const values = [7, job, unit, result];
    this.#socket.write(encodeMessage({ kind: 4, fields, signature: 'uoss', values }));
  }

  answer(serial: number, answer: Answer): void {
    if (answer === null) return;
    if ('bytes' in answer) this.#socket.write(answer.bytes);
    else if ('error' in answer) {
      const fields = [
        [4, 's', answer.error],
        [5, 'u', serial],
      ] as const;
      const values = [answer.text];
      this.#socket.write(encodeMessage({ kind: 3, fields, signature: 's', values }));
    } else {
      const fields = [[5, 'u', serial]] as const;
      this.#socket.write(encodeMessage({ kind: 2, fields, ...answer }));
    }
  }
}

/** Serves in a host of its own until the test ends; returns where the host's root is. `greeting` answers AUTH. */
export async function startFakeSystemd(
  handler: Handler,
  greeting = 'OK 0123456789abcdef0123456789abcdef\r\n',
): Promise<{ readonly hostRoot: string; readonly seen: SeenCall[] }> {
  const hostRoot = createHostRoot();
  const path = join(hostRoot, SYSTEMD_SOCKET);
  const seen: SeenCall[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    serve(socket, greeting, (call, serial) => {
      seen.push(call);
      const peer = new FakePeer(socket);
      peer.answer(serial, handler(call, peer));
    });
  });
  mkdirSync(dirname(path), { recursive: true });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { hostRoot, seen };
}

function serve(
  socket: Socket,
  greeting: string,
  onCall: (call: SeenCall, serial: number) => void,
): void {
  let pending = Buffer.alloc(0);
  let state: 'auth' | 'begin' | 'messages' = 'auth';
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (state !== 'messages') {
      const end = pending.indexOf('\r\n');
      if (end < 0) return;
      const line = pending.subarray(0, end).toString();
      pending = pending.subarray(end + 2);
      if (state === 'auth' && /^\0AUTH EXTERNAL [0-9a-f]+$/.test(line)) socket.write(greeting);
      else if (line !== 'BEGIN') throw new Error(`expected authentication, found ${line}`);
      state = state === 'auth' ? 'begin' : 'messages';
    }
    while (pending.length >= 16 && pending.length >= messageLength(pending)) {
      const bytes = pending.subarray(0, messageLength(pending));
      pending = pending.subarray(bytes.length);
      const message = decodeMessage(bytes);
      const strings = message.values() as readonly string[];
      onCall({ member: message.member ?? '', strings }, bytes.readUInt32LE(8));
    }
  });
}

/** The properties of a containerd that runs, by `OWNER NAME` without the prefix of systemd. */
export const RUNNING: Readonly<Record<string, { signature: string; value: Encodable }>> = {
  'Unit ActiveState': { signature: 's', value: 'active' },
  'Unit SubState': { signature: 's', value: 'running' },
  'Service Result': { signature: 's', value: 'success' },
  'Service MainPID': { signature: 'u', value: 42 },
  'Service NRestarts': { signature: 'u', value: 1 },
  'Service ExecStart': {
    signature: 'a(sasbttttuii)',
    value: [
      [
        '/usr/bin/containerd',
        ['/usr/bin/containerd', '-c', '/etc/c.toml'],
        false,
        1n,
        2n,
        3n,
        4n,
        42,
        0,
        0,
      ],
    ],
  },
};

/** Answers what a systemd with such a unit does; a restart ends with `result`, told before or after its answer. */
export function unitHandler(
  result = 'done',
  properties = RUNNING,
  when: 'before' | 'after' = 'before',
): Handler {
  return ({ member, strings: [owner = '', name = ''] }, peer) => {
    if (member === 'LoadUnit')
      return { signature: 'o', values: ['/org/freedesktop/systemd1/unit/containerd_2eservice'] };
    if (member === 'RestartUnit') {
      const tell = (): void => peer.removed('/org/freedesktop/systemd1/job/7', result);
      peer.removed('/org/freedesktop/systemd1/job/6', 'canceled', 'other.service');
      if (when === 'before') tell();
      else setImmediate(tell);
      return { signature: 'o', values: ['/org/freedesktop/systemd1/job/7'] };
    }
    if (member === 'ResetFailedUnit') return { signature: '', values: [] };
    const value = properties[`${owner.replace('org.freedesktop.systemd1.', '')} ${name}`];
    if (member === 'Get' && value !== undefined) return { signature: 'v', values: [value] };
    return { error: 'org.freedesktop.DBus.Error.UnknownMethod', text: `no ${member}` };
  };
}
