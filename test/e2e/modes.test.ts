// The way in, and the emergency exit, on a real node: audit mode, break-glass, preview and status.
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import type { ContainerdClient } from '../../agent/node/containerd/client.ts';
import { pullImage, removeImage } from '../../agent/node/containerd/cri.ts';
import { encodeBreakGlass } from '../../agent/pull/break-glass.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { type NodeAgent, nodesealWith, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import { type PushedImage, pushImage, type Registry } from '../support/node-images.ts';
import { sign, type SigningKey } from '../support/node-signatures.ts';
import { bootSigningNode } from '../support/signing-node.ts';
import { describeOnNode, type TestNode } from '../support/test-node.ts';

const BREAK_GLASS = '/run/nodeseal/break-glass.json';
const CANDIDATE = `${SOURCE}/candidate.json`;
/** Time to pull in, also on a busy machine. */
const SHORT_MS = 5_000;

describeOnNode('modes of a node', () => {
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;
  let agent: NodeAgent;
  let trusted: SigningKey;
  let unsigned: PushedImage;
  let signed: PushedImage;

  beforeAll(async () => {
    await using started = new AsyncDisposableStack();
    ({ node, registry, client, key: trusted } = await bootSigningNode(started));
    await node.writeFile(`${SOURCE}/policy.json`, policyFor('app', 'other'));
    unsigned = await pushImage(registry, 'app', { tag: 'unsigned' });
    signed = await pushImage(registry, 'app', { tag: 'signed' });
    await sign(registry, signed.pinned, { key: trusted, format: 'jws' });
    agent = await startNodeAgent(node, { NODESEAL_MODE: 'audit' });
    started.defer(async () => {
      await agent.stop();
    });
    const all = started.move();
    return () => all.disposeAsync();
  });

  it('lets an unsigned image in by audit mode, and records the true verdict', async () => {
    await comesIn(unsigned);
    await comesIn(signed);
    await recorded(unsigned, { decision: 'deny', reason: 'signature_missing', mode: 'audit' });
    await recorded(signed, { decision: 'allow', reason: 'verified', mode: 'audit' });
    expect(await agent.value('nodeseal_unenforced_pulls_total', { mode: 'audit' })).toBe(1);
    expect(await agent.value('nodeseal_mode', { mode: 'audit' })).toBe(1);
    const denied = { source: 'pull', decision: 'deny', reason: 'signature_missing' };
    expect(await agent.value('nodeseal_verdicts_total', denied)).toBe(1);
    await agent.until('the image to be known as one that failed and was judged', async () => {
      const failed = { state: 'failed', cause: 'pulled' };
      return (await agent.value('nodeseal_images', failed)) === 1;
    });
  });

  it('says by the status that nothing is enforced, why and what to do', async () => {
    const { code, stdout } = await status();
    expect(code).toBe(1);
    expect(stdout).toMatch(/^bypassed\n {2}• The audit mode is set/);
    expect(stdout).toContain('mode         audit\n');
    expect(stdout).toMatch(/images {7}2: 1 verified, 1 failed\n/);
    expect(stdout).toMatch(/next expiry {2}in \d+ \w+, CN=/);
    expect(stdout.split('\n').length).toBeLessThan(25);
  });

  it('holds to audit mode without the agent, also where the policy is gone', async () => {
    await agent.stop();
    await comesIn(unsigned);
    await node.output(['rm', '/etc/containerd/notation-policy.json']);
    await comesIn(unsigned);
    agent = await startNodeAgent(node, { NODESEAL_MODE: 'enforce' });
    await recorded(unsigned, { decision: 'deny', reason: 'policy_missing', mode: 'audit' });
  });

  it('enforces from when it is told, and proves it', async () => {
    await isRefused(unsigned, 'signature_missing');
    await agent.until('the node to enforce', async () => (await status()).code === 0);
    expect((await status()).stdout).toMatch(/^enforcing\n/);
  });

  it('lets everything in by break-glass, and says so everywhere', async () => {
    const words = ['--for', '1h', '--reason', 'registry is down', '--by', 'alice'];
    const { code, stdout } = await nodesealWith(node, {}, 'break-glass', ...words);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    await comesIn(unsigned);
    await recorded(unsigned, { decision: 'allow', reason: 'break_glass', mode: 'break_glass' });
    expect(await agent.value('nodeseal_break_glass_active')).toBe(1);
    const until = await agent.value('nodeseal_break_glass_until_timestamp_seconds');
    expect(Math.abs(until - Date.now() / 1000 - 3600)).toBeLessThan(60);
    expect(await agent.value('nodeseal_unenforced_pulls_total', { mode: 'break_glass' })).toBe(1);
    const shown = await status();
    expect(shown.code).toBe(1);
    expect(shown.stdout).toMatch(/^bypassed\n {2}• By break-glass/);
    expect(shown.stdout).toContain('by alice: registry is down');
    await nodesealWith(node, {}, 'break-glass', '--off');
    await isRefused(unsigned, 'signature_missing');
    expect(await agent.value('nodeseal_break_glass_active')).toBe(0);
  });

  it('ends break-glass at its time without anybody', async () => {
    const until = new Date(Date.now() + SHORT_MS);
    const text = encodeBreakGlass({ until, reason: 'a moment', by: 'bob' });
    await node.writeFile(BREAK_GLASS, text, 0o600);
    await comesIn(unsigned);
    await delay(until.getTime() - Date.now() + 1);
    await isRefused(unsigned, 'ignored break-glass: it expired at ');
    await node.output(['rm', BREAK_GLASS]);
  });

  it('previews which images would change sides, the one that no pod starts without first', async () => {
    await comesIn(signed);
    await node.writeFile(CANDIDATE, policyFor('other'));
    const unused = await preview();
    expect(unused).toMatchObject({ code: 0, stderr: '' });
    expect(unused.stdout).toContain(`✗ unused   ${signed.pinned}`);
    expect(unused.stdout).toContain('refused, allowed today: policy_not_applicable: ');

    const pin = `ctr -n k8s.io images label ${signed.tagged} io.cri-containerd.pinned=pinned`;
    await node.output(['sh', '-c', pin]);
    const { code, stdout } = await preview('--output', 'json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      refusedInUse: 1,
      images: [{ repository: signed.repository, use: 'pause', change: 'would_be_refused' }],
    });

    await node.writeFile(CANDIDATE, policyFor('app'));
    const good = await preview();
    expect(good).toMatchObject({ code: 0 });
    expect(good.stdout).toContain('no image in use would be refused\n');
    expect((await preview('--against', '/none')).code).toBe(2);
  });

  it('tells what the host holds when the agent is gone', async () => {
    await agent.stop();
    const { code, stdout } = await status();
    expect(code).toBe(2);
    expect(stdout).toMatch(/^the agent does not answer at http:\/\/127\.0\.0\.1:\d+\/status\.json/);
    expect(stdout).toMatch(/verifier {5}sha256 [0-9a-f]{12}, /);
    expect(stdout).toContain('mode         enforce\n');
    agent = await startNodeAgent(node);
  });

  /** Pulls it anew; what was there is removed first, so that it stands for a first pull. */
  async function comesIn(image: PushedImage): Promise<void> {
    await removeImage(client, image.tagged);
    expect(await pullImage(client, image.tagged)).toMatch(/^sha256:/);
  }

  async function isRefused(image: PushedImage, why: string): Promise<void> {
    await removeImage(client, image.tagged);
    const error = await expectCodeAsync(pullImage(client, image.tagged), 'containerd_failed');
    expect(error.message).toContain(why);
  }

  async function recorded(image: PushedImage, verdict: Readonly<Record<string, string>>) {
    const sql = `SELECT decision, reason, mode FROM verdicts WHERE source = 'pull'
      AND repository = '${image.repository}' AND digest = '${image.digest}'`;
    await agent.until(`a row: ${JSON.stringify(verdict)}`, async () => {
      return JSON.stringify(await agent.query(sql)) === JSON.stringify([verdict]);
    });
  }

  function status() {
    return nodesealWith(node, { NODESEAL_LISTEN: new URL(agent.url).host }, 'status');
  }

  function preview(...args: readonly string[]) {
    return nodesealWith(node, {}, 'policy', 'preview', CANDIDATE, ...args);
  }

  function policyFor(...repositories: readonly string[]): string {
    const statement = {
      name: 'acme',
      registryScopes: repositories.map((name) => `${registry.host}/${name}`),
      signatureVerification: { level: 'strict' },
      trustStores: ['ca:acme'],
      trustedIdentities: [trusted.subject],
    };
    return JSON.stringify({ version: '1.0', trustPolicies: [statement] });
  }
});
