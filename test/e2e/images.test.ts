// The inventory on a real node: each way in which an image comes, what runs, what goes, and `nodeseal images` of it all.
import { beforeAll, expect, it } from 'vitest';
import type { ContainerdClient } from '../../agent/node/containerd/client.ts';
import { pullImage, removeImage } from '../../agent/node/containerd/cri.ts';
import { describeOnVerifyingContainerds } from '../support/containerds.ts';
import { type NodeAgent, nodeseal, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import { configureContainerd } from '../support/node-containerd.ts';
import { importImage, type PushedImage, pushImage, type Registry } from '../support/node-images.ts';
import { installRuntime, runPod } from '../support/node-pods.ts';
import { sign, type SigningKey } from '../support/node-signatures.ts';
import { bootSigningNode } from '../support/signing-node.ts';
import type { TestNode } from '../support/test-node.ts';

/** A line of `nodeseal images --output json`. */
interface Line {
  readonly digest: string;
  readonly names: readonly string[];
  readonly state: string;
  readonly cause: string;
  readonly verdict: { readonly reason: string; readonly signer: string | null } | null;
  readonly containers: readonly { readonly id: string; readonly pod: object | null }[];
}

describeOnVerifyingContainerds('the inventory of a node', ({ boot }) => {
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;
  let agent: NodeAgent;
  let key: SigningKey;
  let pause: PushedImage;
  let before: PushedImage;

  beforeAll(async () => {
    await using started = new AsyncDisposableStack();
    ({ node, registry, client, key } = await bootSigningNode(started, { boot }));
    pause = await pushImage(registry, 'pause', { command: 'sleep 3600' });
    await configure();
    before = await pushImage(registry, 'app', { tag: 'before' });
    // Nothing of ours is on the node yet.
    for (const { tagged } of [pause, before]) await pullImage(client, tagged);
    await node.writeFile(`${SOURCE}/policy.json`, policy());
    agent = await startNodeAgent(node);
    started.defer(async () => {
      await agent.stop();
    });
    const all = started.move();
    return () => all.disposeAsync();
  });

  it('tells what was there before our verifier', async () => {
    for (const image of [pause, before]) {
      await expectLine(image, { state: 'failed', cause: 'present-before-install' });
    }
  });

  it('tells what our verifier let in, and who signed it, once for the three records of it', async () => {
    const image = await signed('pulled');
    await pullImage(client, image.tagged);
    const line = await expectLine(image, { state: 'verified', cause: 'pulled' });
    expect(line.names).toHaveLength(3);
    expect(line.verdict?.signer).toContain('CN=acme');
    expect((await list()).filter(({ digest }) => digest === image.digest)).toHaveLength(1);
  });

  it('tells what was imported, signed or not', async () => {
    const good = await signed('imported-signed');
    const bad = await pushImage(registry, 'app', { tag: 'imported' });
    for (const image of [good, bad]) await importImage(registry, image);
    await expectLine(good, { state: 'verified', cause: 'imported' });
    const line = await expectLine(bad, { state: 'failed', cause: 'imported' });
    expect(line.verdict?.reason).toBe('signature_missing');
  });

  it('tells an import under a tag that was there before from what was there before', async () => {
    const image = await pushImage(registry, 'app', { tag: 'before' });
    await importImage(registry, image);
    await expectLine(image, { state: 'failed', cause: 'imported' });
  });

  it('tells of which the policy asks no signature', async () => {
    const image = await pushImage(registry, 'skipped');
    await pullImage(client, image.tagged);
    await expectLine(image, { state: 'unverified', cause: 'skipped-by-policy' });
  });

  it('forgets what is removed', async () => {
    const image = await signed('removed');
    await pullImage(client, image.tagged);
    await expectLine(image, { cause: 'pulled' });
    await removeImage(client, image.tagged);
    await agent.until('the image to be gone', async () => (await lineOf(image)) === undefined);
  });

  it('tells in which pod an image runs, until it ends', async () => {
    const image = await signed('running');
    const id = await pullImage(client, image.tagged);
    const pod = await runPod(client, image, { namespace: 'shop', name: 'cart-0' });
    await agent.until('the container', async () => (await lineOf(image))?.containers.length === 1);
    expect((await lineOf(image))?.containers).toEqual([
      expect.objectContaining({
        id: pod.containerId,
        image: image.tagged,
        pod: { uid: pod.uid, namespace: 'shop', name: 'cart-0' },
        controller: null,
      }),
    ]);
    expect(await agent.value('nodeseal_running_containers', { state: 'verified' })).toBe(1);
    expect(await list('--running')).toHaveLength(1);
    const table = await nodeseal(node, 'images', '--running');
    expect(table).toMatchObject({ code: 0, stderr: '' });
    expect(table.stdout).toMatch(/^verified +pulled .*CN=acme.* shop\/cart-0$/m);

    // Its records may go while it runs; the image is on the node all the same.
    await node.output(['ctr', '-n', 'k8s.io', 'images', 'rm', image.tagged, image.pinned, id]);
    await expectLine(image, { state: 'verified' });
    await pod.stop();
    await agent.until(
      'no running container',
      async () => (await agent.value('nodeseal_running_containers')) === 0,
    );
    await pod.remove();
  });

  it('tells the same of a node whose agent is down', async () => {
    const lines = await list();
    const failed = lines.filter(({ state }) => state === 'failed').length;
    expect(await agent.value('nodeseal_images', { state: 'failed' })).toBe(failed);
    expect(await agent.value('nodeseal_images')).toBe(lines.length);
    await agent.stop();
    expect(await list()).toEqual(lines);
    const { code, stdout } = await nodeseal(node, 'images', '--state', 'failed');
    expect(code).toBe(1);
    expect(stdout).toContain(`${failed} of ${lines.length} images`);
  });

  it('claims of a new ledger only what is still evident', async () => {
    const imported = await pushImage(registry, 'app', { tag: 'unseen' });
    await importImage(registry, imported);
    await node.output(['sh', '-euc', 'rm /var/lib/nodeseal/ledger.sqlite*']);
    expect((await nodeseal(node, 'images')).code).toBe(2);
    agent = await startNodeAgent(node);
    await expectLine(imported, { state: 'failed', cause: 'no-record' });
    await expectLine(pause, { cause: 'present-before-install' });
    const tag = `${registry.host}/app:pulled`;
    await agent.until(`the journal to tell of ${tag} again`, async () =>
      (await list('--cause', 'pulled')).some(({ names }) => names.includes(tag)),
    );
  });

  it('tells what was pulled past our verifier', async () => {
    await configure({ use_local_image_pull: true });
    const image = await pushImage(registry, 'app', { tag: 'past' });
    await pullImage(client, image.tagged);
    await expectLine(image, { state: 'failed', cause: 'bypassed' });
  });

  async function list(...args: readonly string[]): Promise<readonly Line[]> {
    const { code, stdout, stderr } = await nodeseal(node, 'images', '--output', 'json', ...args);
    expect({ code, stderr }).toEqual({ code: code === 0 ? 0 : 1, stderr: '' });
    const lines = stdout.split('\n').filter((line) => line !== '');
    return lines.map((line) => JSON.parse(line) as Line);
  }

  async function lineOf({ repository, digest }: PushedImage): Promise<Line | undefined> {
    const lines = await list('--image', `${repository}@${digest}`);
    return lines[0];
  }

  async function expectLine(image: PushedImage, expected: Partial<Line>): Promise<Line> {
    let line: Line | undefined;
    const fits = (found: Line | undefined) =>
      found !== undefined &&
      Object.entries(expected).every(([name, value]) => found[name as keyof Line] === value);
    await agent
      .until(image.tagged, async () => fits((line = await lineOf(image))))
      .catch((error: unknown) => {
        expect(line).toMatchObject(expected);
        throw error;
      });
    if (line === undefined) throw new TypeError('no line');
    return line;
  }

  async function signed(tag: string): Promise<PushedImage> {
    const image = await pushImage(registry, 'app', { tag });
    await sign(registry, image.pinned, { key, format: 'cose' });
    return image;
  }

  async function configure(images: Readonly<Record<string, boolean>> = {}): Promise<void> {
    await configureContainerd(node, client, {
      images: { ...images, pinned_images: { sandbox: pause.tagged } },
      plugins: await installRuntime(node),
    });
  }

  function policy(): string {
    const shared = { trustStores: ['ca:acme'], trustedIdentities: [key.subject] };
    const strict = { signatureVerification: { level: 'strict' }, ...shared };
    return JSON.stringify({
      version: '1.0',
      trustPolicies: [
        {
          name: 'acme',
          registryScopes: [`${registry.host}/app`, `${registry.host}/pause`],
          ...strict,
        },
        {
          ...{ name: 'skipped', registryScopes: [`${registry.host}/skipped`] },
          signatureVerification: { level: 'skip' },
        },
      ],
    });
  }
});
