// Proof of enforcement on a real node: what the canary finds, what it leaves behind, and that it lets nobody else in.
import { beforeAll, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { listCriImages, pullImage } from '../../agent/node/containerd/cri.ts';
import { listImages } from '../../agent/node/containerd/images.ts';
import { isSupported } from '../../agent/node/containerd/version.ts';
import { createCa } from '../support/ca.ts';
import { containerdConfig, FALLBACK_TRIGGERS } from '../support/containerd-config.ts';
import { describeOnContainerds } from '../support/containerds.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { AGENT_BINDS, type NodeAgent, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import { importImage, pushImage, startRegistry } from '../support/node-images.ts';
import { bootTestNode, type TestNode } from '../support/test-node.ts';
import { documentOf, statement } from '../support/trust-policy.ts';

const CONFIG = '/etc/containerd/config.toml';
/** What Debian's file has besides. */
const NODE_PLUGINS = { 'io.containerd.internal.v1.opt': { path: '/var/lib/containerd/opt' } };
const BIN_DIR = '/opt/containerd/image-verifier/bin';
const VERIFIER = `${BIN_DIR}/nodeseal-verifier`;
const CANARY = `nodeseal-canary/${'5e'.repeat(16)}-signed`;

/** That each of them bypasses is another test's; here the long mode alone tries them all. */
const TRIGGERS =
  process.env.TEST_CONTAINERDS === 'all' ? FALLBACK_TRIGGERS : FALLBACK_TRIGGERS.slice(0, 3);

interface Report {
  readonly enforcement: {
    readonly state: string;
    readonly causes: readonly { readonly code: string; readonly remedy: string }[];
    readonly provedAt: string | null;
    readonly proofAgeSeconds: number | null;
  };
  readonly verifier: { readonly path: string; readonly sha256: string; readonly version: string };
}

describeOnContainerds('a node', ({ version, boot }) => {
  const verified = isSupported(version);
  let node: TestNode;
  let client: ContainerdClient;
  let agent: NodeAgent;

  beforeAll(async () => {
    node = await bootTestNode({ ...boot, bindReadOnly: AGENT_BINDS });
    try {
      client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
      await node.writeFile(`${SOURCE}/policy.json`, documentOf([statement()]));
      await node.writeFile(`${SOURCE}/truststore/x509/ca/acme/ca.crt`, createCa().root.pem);
      agent = await startNodeAgent(node);
    } catch (error) {
      await node.stop();
      throw error;
    }
    return async () => {
      client.close();
      await agent.stop();
      await node.stop();
    };
  });

  if (!verified) {
    it('is bypassed by a containerd that asks no verifiers', async () => {
      await expectState('bypassed', ['unsigned_image_came_in', 'containerd_too_old']);
      await expectNothingLeft();
    });
    return;
  }

  it('enforces once a canary has proved it, and tells since when', async () => {
    await expectState('enforcing');
    const { enforcement, verifier } = await report();
    expect(enforcement.causes).toEqual([]);
    expect(Date.parse(enforcement.provedAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
    expect(enforcement.proofAgeSeconds).toBeLessThan(60);
    expect(verifier.path).toContain(VERIFIER);
    expect(await node.output(['sha256sum', VERIFIER])).toContain(verifier.sha256);
    expect(await agent.value('nodeseal_canary_runs_total', { result: 'proved' })).toBeGreaterThan(
      0,
    );
    expect(await agent.value('nodeseal_canary_last_success_timestamp_seconds')).toBe(
      Date.parse(enforcement.provedAt ?? '') / 1000,
    );
    expect(await (await fetch(`${agent.url}/`)).text()).toContain('enforcing');
    await expectNothingLeft();
  });

  it('judges and counts an image that is only named like a canary like any other', async () => {
    const registry = await startRegistry(node, 'crane');
    const image = await pushImage(registry, CANARY);
    const error = await expectCodeAsync(pullImage(client, image.pinned), 'containerd_failed');
    expect(error.message).toContain('deny: policy_not_applicable');
    // Counted, unlike the canaries before it: the journal is read in order, and this is its last line.
    await agent.until(
      'the attempt to be counted',
      async () =>
        (await agent.value('nodeseal_containerd_events_total', { event: 'pull_failed' })) > 0,
    );
    const denied = { source: 'pull', reason: 'policy_not_applicable' };
    expect(await agent.value('nodeseal_verdicts_total', denied)).toBe(1);
    expect(await agent.value('nodeseal_verdicts_total')).toBe(1);
    for (const event of ['pull_blocked', 'pull_failed', 'pull_started']) {
      expect(await agent.value('nodeseal_containerd_events_total', { event })).toBe(1);
    }
    expect(await agent.value('nodeseal_containerd_events_total', { event: 'image_created' })).toBe(
      0,
    );
    expect(await agent.value('nodeseal_images')).toBe(0);
    registry.stop();
  });

  it('is bypassed by each setting that makes containerd pull by itself, and enforces without', async () => {
    const before = await node.output(['cat', CONFIG]);
    for (const { code, images } of TRIGGERS) {
      await configure(containerdConfig({ images, plugins: NODE_PLUGINS }));
      // Of the setting that says what it does, containerd does not warn.
      const warning = code === 'use_local_image_pull' ? [] : ['pull_fallback'];
      await expectState('bypassed', ['unsigned_image_came_in', ...warning, code]);
    }
    await expectNothingLeft();
    // The warning was for the agent before: it is in the ledger.
    await agent.stop();
    agent = await startNodeAgent(node);
    await expectState('bypassed', ['unsigned_image_came_in', 'pull_fallback']);
    await configure(before);
    await expectState('enforcing');
    expect((await report()).enforcement.causes).toEqual([]);
  });

  it('tells of another verifier that refuses everything, though it did enforce', async () => {
    const other = `${BIN_DIR}/another`;
    await node.writeFile(other, '#!/bin/sh\necho never\nexit 1\n', 0o755);
    await expectState('enforcing', ['canary_refused_otherwise', 'other_verifier']);
    await node.output(['rm', other]);
    await expectState('enforcing', []);
    await agent.until(
      'nothing to tell of any more',
      async () => (await report()).enforcement.causes.length === 0,
    );
  });

  it('says that the verifier is gone until it is back', async () => {
    // Read-only, so that the agent cannot put it back at once.
    await node.output([
      'sh',
      '-euc',
      `mount --bind ${BIN_DIR} /mnt; mount --bind ${BIN_DIR} ${BIN_DIR}`,
    ]);
    await node.output([
      'sh',
      '-euc',
      `mount -o remount,ro,bind ${BIN_DIR}; rm /mnt/nodeseal-verifier`,
    ]);
    await expectState('bypassed', ['unsigned_image_came_in', 'verifier_missing']);
    await node.output(['umount', BIN_DIR]);
    // Whatever changes makes the agent look at the host again.
    await node.writeFile(`${SOURCE}/policy.json`, documentOf([statement({ name: 'second' })]));
    await expectState('enforcing');
  });

  it('does not take a verifier that cannot reach the agent for a bypass', async () => {
    await node.output(['rm', '/run/nodeseal/agent.sock']);
    await restart();
    await expectState('unknown', ['agent_not_asked']);
    await agent.stop();
    agent = await startNodeAgent(node);
    await expectState('enforcing');
  });

  it('removes what an agent that was killed left behind, and nothing that has another name', async () => {
    const registry = await startRegistry(node, 'crane');
    const left = await pushImage(registry, CANARY);
    const other = await pushImage(registry, 'nodeseal-canary/other');
    for (const image of [left, other])
      await importImage(registry, { ...image, tagged: image.pinned });
    const names = async () =>
      (await listCriImages(client)).flatMap(({ repoDigests }) => repoDigests);
    await expect.poll(names).toContain(left.pinned);
    await node.output(['touch', CONFIG]);
    await expect.poll(names).not.toContain(left.pinned);
    expect(await names()).toContain(other.pinned);
  });

  async function configure(text: string): Promise<void> {
    await node.writeFile(CONFIG, text);
    await restart();
  }

  async function restart(): Promise<void> {
    // systemd allows five starts in ten seconds, and forgets those that were.
    await node.output([
      'sh',
      '-c',
      'systemctl reset-failed containerd; systemctl restart containerd',
    ]);
  }

  async function report(): Promise<Report> {
    return (await (await fetch(`${agent.url}/status.json`)).json()) as Report;
  }

  /** Waits until status and metrics say so, with these causes among others. */
  async function expectState(state: string, codes: readonly string[] = []): Promise<void> {
    let found: unknown;
    const isSo = async () => {
      const { enforcement } = await report();
      const metrics = await agent.metrics();
      const counted = codes.every((code) =>
        metrics.some(
          ({ name, labels, value }) =>
            name === 'nodeseal_enforcement_causes' && labels['code'] === code && value === 1,
        ),
      );
      const states = metrics.filter(({ name }) => name === 'nodeseal_enforcement_state');
      const known = enforcement.causes.map(({ code }) => code);
      found = { enforcement, counted, states };
      return (
        enforcement.state === state &&
        codes.every((code) => known.includes(code)) &&
        counted &&
        states.every(({ labels, value }) => value === Number(labels['state'] === state))
      );
    };
    await agent.until(`${state} for ${codes.join(', ')}`, isSo).catch((error: unknown) => {
      throw new Error(`${String(error)}, found ${JSON.stringify(found)}`);
    });
  }

  /** Between two canaries, of which there are many while none proves anything. */
  async function expectNothingLeft(): Promise<void> {
    const names = async () => (await listImages(client)).images.map(({ name }) => name);
    const content = () => node.output(['ctr', '-n', 'k8s.io', 'content', 'ls', '-q']);
    const left = async () => [...(await names()), ...(await content()).split('\n')].join('');
    await expect.poll(left).toBe('');
  }
});
