// A real node: each pull counts once, as what it was, through kills of the agent and whatever
// containerd does with our verifier.
import { beforeAll, expect, it } from 'vitest';
import type { ContainerdClient } from '../../agent/node/containerd/client.ts';
import { pullImage, removeImage } from '../../agent/node/containerd/cri.ts';
import { describeOnVerifyingContainerds } from '../support/containerds.ts';
import { type NodeAgent, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import { configureContainerd } from '../support/node-containerd.ts';
import { type PushedImage, pushImage, type Registry } from '../support/node-images.ts';
import { sign, type SigningKey } from '../support/node-signatures.ts';
import { bootSigningNode } from '../support/signing-node.ts';
import type { TestNode } from '../support/test-node.ts';

const BIN_DIR = '/opt/containerd/image-verifier/bin';
const TOTAL = 'nodeseal_pulls_total';

describeOnVerifyingContainerds('pulls are counted', ({ boot }) => {
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;
  let agent: NodeAgent;
  let key: SigningKey;

  beforeAll(async () => {
    await using started = new AsyncDisposableStack();
    ({ node, registry, client, key } = await bootSigningNode(started, {
      boot,
      algorithm: 'rsa-2048',
    }));
    const policy = {
      version: '1.0',
      trustPolicies: [
        {
          ...{ name: 'all', registryScopes: ['*'] },
          signatureVerification: { level: 'strict' },
          ...{ trustStores: ['ca:acme'], trustedIdentities: ['*'] },
        },
      ],
    };
    await node.writeFile(`${SOURCE}/policy.json`, JSON.stringify(policy));
    agent = await startNodeAgent(node);
    started.defer(async () => {
      await agent.stop();
    });
    const all = started.move();
    return () => all.disposeAsync();
  });

  async function signed(name: string): Promise<PushedImage> {
    const image = await pushImage(registry, name, { index: true });
    await sign(registry, image.pinned, { key, format: 'jws' });
    return image;
  }

  /** By what each total grows while `work` is done, once it has grown by `count`. */
  async function counted(count: number, work: () => Promise<unknown>): Promise<unknown> {
    const before = await totals();
    await work();
    let grown: Record<string, number> = {};
    await agent.until(`${count} more pulls`, async () => {
      const now = await totals();
      grown = Object.fromEntries(
        Object.entries(now)
          .map(([kind, value]) => [kind, value - (before[kind] ?? 0)] as const)
          .filter(([, value]) => value !== 0),
      );
      return Object.values(grown).reduce((sum, value) => sum + value, 0) >= count;
    });
    return grown;
  }

  async function totals(): Promise<Record<string, number>> {
    const samples = (await agent.metrics()).filter(({ name }) => name === TOTAL);
    return Object.fromEntries(
      samples.map(({ labels, value }) => {
        const { judgement = '', cause = '', mode = '' } = labels;
        return [[judgement, cause, mode].filter((word) => word !== '').join(' '), value];
      }),
    );
  }

  async function refused(name: string): Promise<void> {
    await expect(pullImage(client, name)).rejects.toThrow();
  }

  it('allowed and denied, by kubelet and by ctr', async () => {
    const good = await signed('good');
    const bad = await pushImage(registry, 'bad');
    const ctr = (name: string) =>
      node.exec(['ctr', '-n', 'k8s.io', 'images', 'pull', '--plain-http', name]);
    const grown = await counted(5, async () => {
      await pullImage(client, good.tagged);
      await pullImage(client, good.pinned);
      await refused(bad.tagged);
      await ctr(good.tagged);
      await ctr(bad.tagged);
    });
    expect(grown).toEqual({ 'allow enforce': 3, 'deny enforce': 2 });
  });

  it('many of one image at once', async () => {
    const [good, bad] = [await signed('many'), await pushImage(registry, 'many-bad')];
    const grown = await counted(40, async () => {
      const pulls = Array.from({ length: 20 }, () => [
        pullImage(client, good.tagged),
        refused(bad.tagged),
      ]);
      await Promise.all(pulls.flat());
    });
    expect(grown).toEqual({ 'allow enforce': 20, 'deny enforce': 20 });
  });

  it('once, when the agent is killed between', async () => {
    const [good, bad] = [await signed('killed'), await pushImage(registry, 'killed-bad')];
    const before = await totals();
    for (let round = 0; round < 3; round += 1) {
      const pulls = [
        pullImage(client, good.tagged),
        refused(bad.tagged),
        refused(`${registry.host}/absent:v2`),
      ];
      await node.output(['kill', '-9', String(agent.pid)]);
      await Promise.all(pulls);
      await agent.stop();
      agent = await startNodeAgent(node);
    }
    const isCounted = async () =>
      (await totals())['not_reached none'] === (before['not_reached none'] ?? 0) + 3;
    await agent.until('all are counted', isCounted);
    expect(await totals()).toEqual({
      ...before,
      'allow enforce': (before['allow enforce'] ?? 0) + 3,
      'deny enforce': (before['deny enforce'] ?? 0) + 3,
      'not_reached none': (before['not_reached none'] ?? 0) + 3,
    });
  });

  it('refused by another verifier after ours allowed', async () => {
    const good = await signed('after');
    await node.writeFile(`${BIN_DIR}/zz`, '#!/bin/sh\necho no\nexit 1\n', 0o755);
    const grown = await counted(1, () => refused(good.tagged));
    await node.output(['rm', `${BIN_DIR}/zz`]);
    expect(grown).toEqual({ 'allow enforce': 1 });
    await agent.until('the disagreement', async () => {
      const labels = { kind: 'refused', cause: 'overruled' };
      return (await agent.value('nodeseal_disagreements_total', labels)) === 1;
    });
  });

  // In one, because each takes as long as it takes to be sure that no verdict comes.
  it('without a verdict of ours, by how they ended', async () => {
    const [good, bad] = [await signed('others'), await pushImage(registry, 'around')];
    const grown = await counted(4, async () => {
      await refused(`${registry.host}/absent:v1`);
      await node.writeFile(`${BIN_DIR}/aa`, '#!/bin/sh\necho no\nexit 1\n', 0o755);
      await refused(good.tagged);
      await node.writeFile(`${BIN_DIR}/aa`, '#!/bin/sh\nkill -9 $$\n', 0o755);
      await refused(good.tagged);
      await node.output(['rm', `${BIN_DIR}/aa`]);
      await configureContainerd(node, client, { images: { discard_unpacked_layers: true } });
      await pullImage(client, bad.tagged);
      await removeImage(client, bad.tagged);
    });
    expect(grown).toEqual({
      'not_reached none': 1,
      'blocked other_verifier none': 1,
      'no_judgement killed none': 1,
      'unjudged none': 1,
    });
  });
});
