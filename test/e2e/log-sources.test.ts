// The agent of a node whose containerd writes to a file, or whose journal is sent to it: each line
// counts once, also across changes of the way.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { AGENT_BINDS, type NodeAgent, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';

const LOG = '/var/log/containerd/containerd.log';
const TOKEN = 'c0ffee00-1111-4222-8333-444455556666';
const UPLOAD = '/usr/lib/systemd/systemd-journal-upload';
const POLICY = {
  version: '1.0',
  trustPolicies: [
    { name: 'none', registryScopes: ['example.com/app'], signatureVerification: { level: 'skip' } },
  ],
};

describeOnNode('other ways for containerd’s log', () => {
  let node: TestNode;

  beforeAll(async () => {
    node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
    await node.writeFile(`${SOURCE}/policy.json`, JSON.stringify(POLICY));
    await node.output(['mkdir', '-p', `${SOURCE}/truststore/x509`]);
    return () => node.stop();
  });

  /** Starts an agent for `work`, and stops it. */
  async function withAgent(
    settings: Readonly<Record<string, string>>,
    work: (agent: NodeAgent) => Promise<void>,
  ): Promise<void> {
    const agent = await startNodeAgent(node, settings);
    try {
      await work(agent);
    } finally {
      await agent.stop();
    }
  }

  const count = (agent: NodeAgent, event: string) =>
    agent.value('nodeseal_containerd_events_total', { event });

  it('a file beside the journal, rotated while the agent runs and while it does not', async () => {
    const settings = { NODESEAL_CONTAINERD_LOG: LOG };
    const write = (...names: readonly string[]) => {
      const time = new Date().toISOString();
      const lines = names.map(
        (name) => `time="${time}" level=info msg="PullImage \\"${name}\\""\n`,
      );
      const append = ['sh', '-c', `mkdir -p "\${1%/*}"; cat >> "$1"`, 'sh', LOG];
      return node.output(append, { stdin: lines.join('') });
    };
    const rotate = (to: string) => node.output(['mv', LOG, `${LOG}.${to}`]);
    let before = 0;
    await withAgent(settings, async (agent) => {
      before = await count(agent, 'pull_started');
      await write('a', 'b');
      await agent.until('two', async () => (await count(agent, 'pull_started')) === before + 2);
      await rotate('1');
      await write('c');
      await agent.until('three', async () => (await count(agent, 'pull_started')) === before + 3);
      expect(await agent.value('nodeseal_journal_entries_total', { source: 'file' })).toBe(3);
      expect(await agent.value('nodeseal_journal_entries_total', { source: 'journald' })).not.toBe(
        0,
      );
    });
    await write('d');
    await rotate('2');
    await node.output(['gzip', `${LOG}.2`]);
    await write('e');
    await withAgent(settings, async (agent) => {
      await agent.until('five', async () => (await count(agent, 'pull_started')) === before + 5);
      expect(await agent.value('nodeseal_journal_gaps_total', { source: 'file' })).toBe(0);
    });
    await node.output(['chmod', '666', LOG]);
    await write('forged');
    await withAgent(settings, async (agent) => {
      const restarts = () => agent.value('nodeseal_journal_restarts_total', { source: 'file' });
      await agent.until('the file to be refused', async () => (await restarts()) > 0);
      expect(await count(agent, 'pull_started')).toBe(before + 5);
    });
  });

  it.skipIf(!existsSync(UPLOAD) && process.env.CI !== 'true')(
    'an upload instead of the journal, and back',
    async () => {
      const port = await freePort();
      const settings = {
        NODESEAL_JOURNAL_UPLOAD_LISTEN: `127.0.0.1:${port}`,
        NODESEAL_JOURNAL_UPLOAD_TOKEN_FILE: '/etc/nodeseal-upload-token',
      };
      await node.writeFile('/etc/nodeseal-upload-token', `${TOKEN}\n`, 0o600);
      const state = mkdtempSync(join(tmpdir(), 'upload-state-'));
      const isKept = existsSync(node.path('/var/log/journal'));
      const journal = node.path(isKept ? '/var/log/journal' : '/run/log/journal');
      const upload = () => {
        const url = `--url=http://127.0.0.1:${port}/${TOKEN}`;
        const save = `--save-state=${join(state, 'state')}`;
        const options = { encoding: 'utf8', timeout: 60_000 } as const;
        const args = [url, `--directory=${journal}`, save, '--follow=no'];
        return spawnSync(UPLOAD, args, options);
      };
      const restartContainerd = async () => {
        await node.output(['systemctl', 'restart', 'containerd']);
        await node.output(['journalctl', '--sync']);
      };
      let before = 0;
      await withAgent({}, async (agent) => {
        await agent.until('the boot', async () => (await count(agent, 'containerd_booted')) > 0);
        before = await count(agent, 'containerd_booted');
      });
      await restartContainerd();
      await withAgent(settings, async (agent) => {
        expect(await count(agent, 'containerd_booted')).toBe(before);
        const { status, stderr } = upload();
        expect([status, stderr]).toEqual([0, expect.any(String)]);
        // It was answered, so it is recorded.
        expect(await count(agent, 'containerd_booted')).toBe(before + 1);
        expect(await agent.value('nodeseal_journal_gaps_total', { source: 'upload' })).toBe(0);
        rmSync(join(state, 'state'), { force: true });
        upload();
        expect(await count(agent, 'containerd_booted')).toBe(before + 1);
      });
      await restartContainerd();
      await withAgent({}, async (agent) => {
        await agent.until('the third', async () => {
          return (await count(agent, 'containerd_booted')) === before + 2;
        });
        expect(await agent.value('nodeseal_journal_gaps_total', { source: 'journald' })).toBe(0);
      });
      rmSync(state, { recursive: true, force: true });
    },
  );
});
