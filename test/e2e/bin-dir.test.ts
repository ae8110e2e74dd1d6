// The verifier follows containerd's bin_dir on a real node: wherever that moves, the node enforces.
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage } from '../../agent/node/containerd/cri.ts';
import { createCa } from '../support/ca.ts';
import { containerdConfig } from '../support/containerd-config.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import {
  AGENT_BINDS,
  type NodeAgent,
  nodeseal,
  nodesealWith,
  SOURCE,
  startNodeAgent,
} from '../support/node-agent.ts';
import { CONFIG_PATH, NODE_PLUGINS, restartContainerd } from '../support/node-containerd.ts';
import { type PushedImage, pushImage, startRegistry } from '../support/node-images.ts';
import { bootTestNode, type TestNode } from '../support/test-node.ts';
import { documentOf, statement } from '../support/trust-policy.ts';

const DROP_IN = '/etc/containerd/conf.d/verifiers.toml';
const DEFAULT = '/opt/containerd/image-verifier/bin/nodeseal-verifier';
const FIRST = '/opt/verifiers/bin/nodeseal-verifier';
const SECOND = '/srv/verifiers/nodeseal-verifier';

interface Report {
  readonly enforcement: { readonly state: string; readonly causes: readonly unknown[] };
  readonly verifier: { readonly path: string; readonly sha256: string | null };
}

describe('a verifier', () => {
  let node: TestNode;
  let client: ContainerdClient;
  let agent: NodeAgent;
  let image: PushedImage;

  beforeAll(async () => {
    node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
    try {
      client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
      await node.writeFile(`${SOURCE}/policy.json`, documentOf([statement()]));
      await node.writeFile(`${SOURCE}/truststore/x509/ca/acme/ca.crt`, createCa().root.pem);
      const root = { imports: ['/etc/containerd/conf.d/*.toml'] };
      await node.writeFile(CONFIG_PATH, containerdConfig({ root, plugins: NODE_PLUGINS }));
      image = await pushImage(await startRegistry(node, 'crane'), 'team/app');
      await setBinDir('/opt/verifiers/bin/');
      await restartContainerd(node, client);
      agent = await startNodeAgent(node);
    } catch (error) {
      await node.stop();
      throw error;
    }
    return async () => {
      client.close();
      await node.stop();
    };
  });

  it('is installed where containerd looks, and the canary proves that it is asked', async () => {
    await expectEnforcing(FIRST);
    expect(await present()).toEqual([FIRST]);
    // The journal knows it there, too.
    await expectRefused();
    const denied = { source: 'pull', reason: 'policy_not_applicable' };
    await agent.until(
      'the verdict to be counted',
      async () => (await agent.value('nodeseal_verdicts_total', denied)) === 1,
    );
  });

  it('is in both places while a change is not in force, and in the new one after it', async () => {
    await setBinDir('/srv/verifiers');
    await agent.until('it to be in both', async () => (await present()).length === 2);
    expect(await present()).toEqual([FIRST, SECOND]);
    await expectRefused();
    await restartContainerd(node, client);
    await expectRefused();
    await expectEnforcing(SECOND);
    await agent.until('it to be gone from the old', async () => (await present()).length === 1);
    expect(await present()).toEqual([SECOND]);
    expect(await node.output(['ls', '/opt'])).not.toContain('verifiers');
  });

  it('is in both while the setting is gone and containerd works by it still', async () => {
    await node.output(['rm', DROP_IN]);
    await agent.until('it to be in both', async () => (await present()).length === 2);
    await expectRefused();
    await setBinDir('/srv/verifiers');
    await agent.until(
      'it to be in the first',
      async () => (await report()).verifier.path === SECOND,
    );
    await expectRefused();
  });

  it('is back in the default once the setting is gone and containerd restarted at once', async () => {
    await node.output(['rm', DROP_IN]);
    await restartContainerd(node, client);
    await expectEnforcing(DEFAULT);
    await agent.until('it to be gone from the old', async () => (await present()).length === 1);
    expect(await present()).toEqual([DEFAULT]);
    expect(await node.output(['ls', '/srv'])).not.toContain('verifiers');
    const { stdout } = await nodesealWith(
      node,
      { NODESEAL_LISTEN: agent.url.replace('http://', '') },
      'status',
    );
    expect(stdout).toContain(DEFAULT);
  });

  it('stays where it is while bin_dir cannot be followed, which is a cause', async () => {
    await setBinDir('verifiers');
    await restartContainerd(node, client);
    await agent.until('the cause to be told', async () => {
      const { state, causes } = (await report()).enforcement;
      return state === 'bypassed' && JSON.stringify(causes).includes('bin_dir_unusable');
    });
    expect(await present()).toEqual([DEFAULT]);
    const { code, stderr } = await nodeseal(node, 'install');
    expect([code, stderr]).toEqual([2, expect.stringContaining('bin_dir_unusable')]);
    await node.output(['rm', DROP_IN]);
    await restartContainerd(node, client);
    await expectEnforcing(DEFAULT);
  });

  it('moves at the next start of an agent that was away', async () => {
    await agent.stop();
    await setBinDir('/srv/verifiers');
    await restartContainerd(node, client);
    agent = await startNodeAgent(node);
    await expectEnforcing(SECOND);
    expect(await present()).toEqual([SECOND]);
    await agent.stop();
  });

  it('is installed and uninstalled by commands, also with containerd down', async () => {
    await setBinDir('/opt/verifiers/bin');
    expect((await nodeseal(node, 'install')).stdout).toContain(`changed  ${FIRST}\n`);
    expect(await present()).toEqual([FIRST, SECOND]);
    await restartContainerd(node, client);
    const moved = await nodeseal(node, 'install');
    expect(moved.stdout).toBe(`changed  ${SECOND}\n`);
    await expectRefused();
    await node.output(['systemctl', 'stop', 'containerd']);
    expect((await nodeseal(node, 'install')).stdout).toBe('nothing to change\n');
    const { code, stdout } = await nodeseal(node, 'uninstall');
    expect([code, stdout.split('\n')[0]]).toEqual([0, `removed  ${FIRST}`]);
    expect(await present()).toEqual([]);
  });

  const setBinDir = (binDir: string) =>
    node.writeFile(DROP_IN, containerdConfig({ verifier: { bin_dir: binDir } }));

  async function present(): Promise<readonly string[]> {
    const paths = [DEFAULT, FIRST, SECOND];
    const { stdout } = await node.exec(['ls', ...paths]);
    return stdout.split('\n').filter((line) => line !== '');
  }

  async function report(): Promise<Report> {
    return (await (await fetch(`${agent.url}/status.json`)).json()) as Report;
  }

  async function expectEnforcing(path: string): Promise<void> {
    let found: Report | undefined;
    const isSo = async () => {
      found = await report();
      const { enforcement, verifier } = found;
      return enforcement.state === 'enforcing' && verifier.path === path;
    };
    await agent.until(`to enforce by ${path}`, isSo).catch((error: unknown) => {
      throw new Error(`${String(error)}, found ${JSON.stringify(found)}`);
    });
  }

  async function expectRefused(): Promise<void> {
    const { message } = await expectCodeAsync(pullImage(client, image.tagged), 'containerd_failed');
    expect(message).toContain('deny: policy_not_applicable');
  }
});
