// Where the verifier goes on a host whose containerd cannot be asked; a real one is asked in test/e2e/bin-dir.test.ts.
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findBinDirs } from '../../agent/commands/bin-dirs.ts';
import { parseConfig } from '../../agent/config.ts';
import { installOnHost } from '../../agent/node/host/install.ts';
import { createLayout, DEFAULT_BIN_DIR } from '../../agent/node/host/layout.ts';
import { AgentHost } from '../support/agent-host.ts';
import { expectCode } from '../support/expect-code.ts';
import { requestFor } from '../support/host-root.ts';

const find = (host: AgentHost, settings: Record<string, string> = {}) =>
  findBinDirs(parseConfig({ ...host.settings(), ...settings }), new AbortController().signal);

async function installedHost(): Promise<AgentHost> {
  const host = new AgentHost();
  await installOnHost(requestFor(host.root, { layout: createLayout('/srv/verifiers') }));
  return host;
}

/** Something other than a containerd, at its socket. */
async function serve(host: AgentHost, onConnection: (socket: Socket) => void): Promise<void> {
  mkdirSync(host.at('run/containerd'), { recursive: true });
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    onConnection(socket);
  });
  server.listen(host.at('run/containerd/containerd.sock'));
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
}

describe('the directory of the verifier', () => {
  it('is containerd’s default on a host where nothing is known', async () => {
    expect(await find(new AgentHost())).toEqual({
      ...{ binDirs: [DEFAULT_BIN_DIR], access: null, installed: [], refused: null },
    });
  });

  it('is where the verifier was put, while containerd is not running', async () => {
    expect((await find(await installedHost())).binDirs).toEqual(['/srv/verifiers']);
  });

  it.each([
    ['breaks off', (socket: Socket) => void socket.destroy()],
    ['never answers', () => undefined],
  ])('is where it was put, while what is at the socket %s', async (_, onConnection) => {
    const host = await installedHost();
    await serve(host, onConnection);
    const startedMs = Date.now();
    expect(await find(host)).toMatchObject({ binDirs: ['/srv/verifiers'], refused: null });
    expect(Date.now() - startedMs).toBeLessThan(8_000);
  });

  it('is the one that is set, whatever is recorded', async () => {
    const set = { NODESEAL_BIN_DIR: '/set/here/' };
    expect(await find(await installedHost(), set)).toMatchObject({
      ...{ binDirs: ['/set/here'], installed: ['/srv/verifiers'] },
    });
  });

  it.each(['relative', '/a/../b', '/a/./b', '/a//b', '/', '/a\nb'])('is never %j', (text) => {
    expectCode(() => parseConfig({ NODESEAL_BIN_DIR: text }), 'setting_invalid');
  });
});
