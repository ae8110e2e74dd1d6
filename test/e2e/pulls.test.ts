// The whole of it on a real node: CRI pulls of good and bad images, and what each leaves in metrics and ledger.
import { beforeAll, expect, it } from 'vitest';
import type { ContainerdClient } from '../../agent/node/containerd/client.ts';
import { pullImage } from '../../agent/node/containerd/cri.ts';
import { getImage } from '../../agent/node/containerd/images.ts';
import { describeOnVerifyingContainerds } from '../support/containerds.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { type NodeAgent, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import { importImage, type PushedImage, pushImage, type Registry } from '../support/node-images.ts';
import { attachSignature, borrowSignature } from '../support/node-referrers.ts';
import { createSigningKey, sign, type SigningKey } from '../support/node-signatures.ts';
import { startRegistryProxy } from '../support/registry-proxy.ts';
import { bootSigningNode } from '../support/signing-node.ts';
import type { TestNode } from '../support/test-node.ts';

describeOnVerifyingContainerds('pulls on a node with the agent', ({ boot }) => {
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;
  let agent: NodeAgent;
  let trusted: SigningKey;
  let stranger: SigningKey;
  let startedBefore: string;

  beforeAll(async () => {
    await using started = new AsyncDisposableStack();
    ({
      node,
      registry,
      client,
      key: trusted,
    } = await bootSigningNode(started, { boot, algorithm: 'rsa-2048' }));
    stranger = await createSigningKey(node, 'stranger', 'p-256');
    await writePolicy([`${registry.host}/app`]);
    startedBefore = await containerdPid();
    agent = await startNodeAgent(node);
    started.defer(async () => {
      await agent.stop();
    });
    const all = started.move();
    return () => all.disposeAsync();
  });

  it('installs without a restart of containerd', async () => {
    expect(await containerdPid()).toBe(startedBefore);
    await node.output(['test', '-x', '/opt/containerd/image-verifier/bin/nodeseal-verifier']);
  });

  it.each(['jws', 'cose'] as const)('lets in an image signed as %s', async (format) => {
    const image = await covered(`signed-${format}`);
    await sign(registry, image.pinned, { key: trusted, format });
    await expectAllowed(image);
  });

  it('refuses an unsigned image', async () => {
    const image = await covered('unsigned');
    const message = await expectDenied(image, 'signature_missing');
    expect(message).toContain('nodeseal-verifier rejected image (exit code 1)');
  });

  it('refuses an image signed under another CA', async () => {
    const image = await covered('stranger');
    await sign(registry, image.pinned, { key: stranger, format: 'jws' });
    await expectDenied(image, 'certificate_untrusted');
  });

  it('refuses a signature copied from another image', async () => {
    const image = await covered('copied');
    const other = await covered('copied-from');
    const signature = await borrowSignature(registry, other, { key: trusted, format: 'jws' });
    await attachSignature(registry, image, signature);
    await expectDenied(image, 'descriptor_mismatch');
  });

  it('refuses a tampered envelope, and lets in the same untampered', async () => {
    const image = await covered('tampered');
    const signature = await borrowSignature(registry, image, { key: trusted, format: 'cose' });
    // The signature's bytes are the last of a COSE envelope.
    const envelope = signature.envelope.with(-1, (signature.envelope.at(-1) ?? 0) ^ 1);
    await attachSignature(registry, image, { ...signature, envelope });
    await expectDenied(image, 'signature_invalid');

    await attachSignature(registry, image, signature);
    await expectAllowed(image);
  });

  it('judges what containerd resolved when the tag moves to a signed image meanwhile', async () => {
    const unsigned = await pushImage(registry, 'moving', { tag: 'before' });
    const signed = await pushImage(registry, 'moving', { tag: 'after' });
    await sign(registry, signed.pinned, { key: trusted, format: 'jws' });
    await node.output(['crane', 'tag', '--insecure', unsigned.pinned, 'latest']);
    let moved = false;
    const proxy = await startRegistryProxy(registry.host, async (_method, path) => {
      // Only the verifier asks for referrers, and it runs once containerd has resolved the tag.
      if (moved || !path.includes('/referrers/')) return;
      moved = true;
      await node.output(['crane', 'tag', '--insecure', signed.pinned, 'latest']);
    });
    try {
      const repository = `${proxy.host}/moving`;
      await writePolicy([`${registry.host}/app`, repository]);
      const name = `${repository}:latest`;
      await expectDenied({ ...unsigned, repository, tagged: name }, 'signature_missing');
      expect(moved).toBe(true);
      await expectAllowed({ ...signed, repository, tagged: name });
    } finally {
      await proxy.close();
    }
  });

  it('refuses an image that no policy statement covers', async () => {
    const image = await pushImage(registry, 'uncovered');
    await sign(registry, image.pinned, { key: trusted, format: 'jws' });
    await expectDenied(image, 'policy_not_applicable');
  });

  it('finds an image that was imported around the verifier', async () => {
    const image = await covered('imported');
    await expectDenied(image, 'signature_missing');
    const failed = { state: 'failed', cause: 'imported' };
    const before = await agent.value('nodeseal_images', failed);
    await importImage(registry, image);
    await agent.until(
      'the imported image to be counted as failed',
      async () => (await agent.value('nodeseal_images', failed)) > before,
    );
  });

  it('keeps the last good policy when a bad one is offered, and takes the next good one', async () => {
    const image = await covered('after-bad-policy');
    await sign(registry, image.pinned, { key: trusted, format: 'jws' });
    const valid = async (wanted: number) =>
      agent.until(
        `nodeseal_policy_valid ${wanted}`,
        async () => (await agent.value('nodeseal_policy_valid')) === wanted,
      );
    await node.writeFile(`${SOURCE}/policy.json`, '{"version":"1.0"}');
    await valid(0);
    await expectAllowed(image);
    await writePolicy([`${registry.host}/app`]);
    await valid(1);
  });

  it('judges without the agent, and counts it once the agent is back', async () => {
    const signed = await covered('agent-down');
    await sign(registry, signed.pinned, { key: trusted, format: 'jws' });
    const unsigned = await covered('agent-down-unsigned');
    const { code, log } = await agent.stop();
    expect({ code, last: log.at(-1) }).toMatchObject({ code: 0 });
    expect(log.at(-1)).toContain('stopped');
    const lastAllowed = await pullImage(client, signed.tagged);
    expect(lastAllowed).toMatch(/^sha256:/);
    const error = await expectCodeAsync(pullImage(client, unsigned.tagged), 'containerd_failed');
    expect(error.message).toContain('signature_missing');
    agent = await startNodeAgent(node);
    await expectRecorded(signed, 'allow', 'verified');
    await expectRecorded(unsigned, 'deny', 'signature_missing');
  });

  it('serves metrics that a real Prometheus tool accepts', async () => {
    const page = await (await fetch(`${agent.url}/metrics`)).text();
    const { code, stdout, stderr } = await node.exec(['promtool', 'check', 'metrics'], {
      stdin: page,
    });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  // What one pull must come to: its outcome, its row in the ledger, and its count.

  async function expectAllowed(image: PushedImage): Promise<void> {
    const before = await pulls('allow', 'verified');
    await pullImage(client, image.tagged);
    await expectRecorded(image, 'allow', 'verified');
    expect(await pulls('allow', 'verified')).toBe(before + 1);
    expect((await getImage(client, image.tagged))?.target.digest).toBe(image.digest);
  }

  async function expectDenied(image: PushedImage, reason: string): Promise<string> {
    const before = await pulls('deny', reason);
    const error = await expectCodeAsync(pullImage(client, image.tagged), 'containerd_failed');
    expect(error.message).toContain(reason);
    await expectRecorded(image, 'deny', reason);
    expect(await pulls('deny', reason)).toBe(before + 1);
    expect(await getImage(client, image.tagged)).toBeNull();
    return error.message;
  }

  async function expectRecorded(image: PushedImage, decision: string, reason: string) {
    const sql = `SELECT decision, reason FROM verdicts WHERE source = 'pull'
      AND repository = '${image.repository}' AND digest = '${image.digest}'`;
    let rows: readonly unknown[] = [];
    await agent.until(`a row for ${image.tagged}: ${decision} ${reason}`, async () => {
      rows = await agent.query(sql);
      return JSON.stringify(rows) === JSON.stringify([{ decision, reason }]);
    });
  }

  function pulls(decision: string, reason: string): Promise<number> {
    return agent.value('nodeseal_verdicts_total', { source: 'pull', decision, reason });
  }

  /** An image of the one repository that the policy covers. */
  function covered(tag: string): Promise<PushedImage> {
    return pushImage(registry, 'app', { tag });
  }

  async function writePolicy(registryScopes: readonly string[]): Promise<void> {
    const policy = {
      version: '1.0',
      trustPolicies: [
        {
          name: 'acme',
          registryScopes,
          signatureVerification: { level: 'strict' },
          trustStores: ['ca:acme'],
          trustedIdentities: [trusted.subject],
        },
      ],
    };
    const text = JSON.stringify(policy);
    await node.writeFile(`${SOURCE}/policy.json`, text);
    if ((agent as NodeAgent | undefined) === undefined) return;
    await agent.until('the policy to reach the host', async () => {
      const { stdout } = await node.exec(['cat', '/etc/containerd/notation-policy.json']);
      return stdout === text;
    });
  }

  async function containerdPid(): Promise<string> {
    return node.output(['systemctl', 'show', '--property=MainPID', 'containerd']);
  }
});
