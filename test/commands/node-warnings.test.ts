import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { hostOf } from '../../agent/commands/host-install.ts';
import { readNodeWarnings, warningLine } from '../../agent/commands/node-warnings.ts';
import { parseConfig } from '../../agent/config.ts';
import { AgentHost } from '../support/agent-host.ts';

const warningsOf = (host: AgentHost, signal = new AbortController().signal) => {
  const config = parseConfig(host.settings());
  return readNodeWarnings(config, hostOf(config), signal);
};

it('tells of a host without containerd', async () => {
  const [warning, ...others] = await warningsOf(new AgentHost());
  expect(others).toEqual([]);
  expect(warning).toMatchObject({ code: 'containerd_missing', effect: 'warning' });
  expect(warning?.message).toContain('/run/containerd/containerd.sock');
  expect(warning?.message).toContain('NODESEAL_CONTAINERD_SOCKET');
});

it('tells why containerd could not be asked', async () => {
  const host = new AgentHost();
  mkdirSync(host.at('run/containerd'), { recursive: true });
  const server = createServer((socket) => socket.destroy());
  server.listen(host.at('run/containerd/containerd.sock'));
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const [warning] = await warningsOf(host);
  expect(warning?.code).toBe('containerd_unavailable');
});

it('is one line for a person', () => {
  const warning = { code: 'other_verifier', effect: 'warning', message: 'Found.' } as const;
  expect(warningLine(warning)).toBe('warning  other_verifier: Found.');
});
