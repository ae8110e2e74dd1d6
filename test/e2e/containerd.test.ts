// The gRPC client against a real containerd: field numbers, events, pulls as kubelet makes them, and a restart under it.
import { beforeAll, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import {
  fetchCriVersion,
  listCriImages,
  pullImage,
  removeImage,
} from '../../agent/node/containerd/cri.ts';
import { followImageEvents, type ImageEvent } from '../../agent/node/containerd/events.ts';
import { getImage, listImages } from '../../agent/node/containerd/images.ts';
import { fetchVersion, isSupported } from '../../agent/node/containerd/version.ts';
import { describeOnVerifyingContainerds } from '../support/containerds.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { pushImage, type Registry, startRegistry } from '../support/node-images.ts';
import { bootTestNode, type TestNode } from '../support/test-node.ts';

const VERIFIER = '/opt/containerd/image-verifier/bin/refuse';

describeOnVerifyingContainerds('containerd client', ({ boot }) => {
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;

  beforeAll(async () => {
    node = await bootTestNode(boot);
    try {
      registry = await startRegistry(node, 'crane');
      client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
    } catch (error) {
      await node.stop();
      throw error;
    }
    return async () => {
      client.close();
      await node.stop();
    };
  });

  it('reads the version, and CRI says the same', async () => {
    const { version } = await fetchVersion(client);
    expect(isSupported(version)).toBe(true);
    expect(await node.output(['containerd', '--version'])).toContain(version);
    const cri = await fetchCriVersion(client);
    expect(cri).toEqual({
      runtimeName: 'containerd',
      runtimeVersion: version,
      runtimeApiVersion: 'v1',
    });
  });

  it('pulls through CRI: three records with one target, and their events', async () => {
    const image = await pushImage(registry, 'pulled', { index: true });
    const seen = collectEvents(client);
    const id = await pullImage(client, image.tagged);
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);

    const { images, invalid } = await listImages(client);
    expect(invalid).toEqual([]);
    const names = [image.tagged, image.pinned, id];
    const records = images.filter(({ name }) => names.includes(name));
    expect(records.map(({ name }) => name).sort()).toEqual(names.sort());
    for (const { target, labels, createdAt } of records) {
      expect(target.digest).toBe(image.digest);
      expect(target.mediaType).toBe('application/vnd.oci.image.index.v1+json');
      expect(target.size).toBeGreaterThan(0);
      expect(labels.get('io.cri-containerd.image')).toBe('managed');
      expect(Math.abs(Date.now() - (createdAt?.getTime() ?? 0))).toBeLessThan(60_000);
    }
    expect((await getImage(client, image.tagged))?.target.digest).toBe(image.digest);
    expect(await getImage(client, `${image.repository}:absent`)).toBeNull();

    const cri = (await listCriImages(client)).find((one) => one.id === id);
    expect(cri).toMatchObject({
      repoTags: [image.tagged],
      repoDigests: [image.pinned],
      pinned: false,
    });
    expect(cri?.sizeBytes).toBeGreaterThan(0);

    await removeImage(client, image.tagged);
    await expect.poll(() => seen.events).toContainEqual({ kind: 'deleted', name: image.tagged });
    expect(seen.events).toContainEqual({ kind: 'created', name: image.tagged });
    expect(seen.events).toContainEqual({ kind: 'created', name: image.pinned });
    expect(await getImage(client, image.tagged)).toBeNull();
    await removeImage(client, image.tagged);
    await seen.stop();
  });

  it('tells of an image that was imported around every verifier', async () => {
    const image = await pushImage(registry, 'imported');
    const seen = collectEvents(client);
    await node.output([
      ...[
        'sh',
        '-euc',
        'crane pull --format oci "$1" /root/oci; tar -C /root/oci -cf /root/oci.tar .',
      ],
      ...['pull', image.tagged],
    ]);
    const name = 'imported.example/app:1';
    const command = ['ctr', '-n', 'k8s.io', 'images', 'import', '--index-name', name];
    await node.output([...command, '/root/oci.tar']);
    await expect.poll(() => seen.events).toContainEqual({ kind: 'created', name });
    expect(await getImage(client, name)).not.toBeNull();
    await seen.stop();
  });

  it('shows only the events of kubelet’s namespace', async () => {
    const image = await pushImage(registry, 'elsewhere');
    const seen = collectEvents(client);
    const pull = (namespace: string) =>
      node.output(['ctr', '-n', namespace, 'images', 'pull', '--plain-http', image.tagged]);
    await pull('other');
    await pull('k8s.io');
    await expect.poll(() => seen.events).toContainEqual({ kind: 'created', name: image.tagged });
    const created = seen.events.filter(({ kind }) => kind === 'created');
    expect(created.filter(({ name }) => name === image.tagged)).toHaveLength(1);
    await seen.stop();
  });

  it('carries the verifier’s whole reason when a pull is refused', async () => {
    const image = await pushImage(registry, 'refused');
    const reason = `no signature: ${'ünquotable "text" '.repeat(40)}`.trim();
    await node.writeFile(VERIFIER, `#!/bin/sh\nprintf %s '${reason}'\nexit 1\n`, 0o755);
    try {
      const error = await expectCodeAsync(pullImage(client, image.tagged), 'containerd_failed');
      expect(error.message).toContain('UNKNOWN');
      expect(error.message).toContain(`verifier refuse rejected image (exit code 1): ${reason}`);
      expect(await getImage(client, image.tagged)).toBeNull();
    } finally {
      await node.exec(['rm', '-f', VERIFIER]);
    }
    await pullImage(client, image.tagged);
  });

  it('ends its streams and works again when containerd restarts', async () => {
    const seen = collectEvents(client);
    await node.output(['systemctl', 'restart', 'containerd']);
    await expectCodeAsync(seen.ended, 'containerd_unavailable');
    const again = async () => (await fetchVersion(client).catch(() => null)) !== null;
    await expect.poll(again).toBe(true);
  });
});

/** Follows events from now on, keeping them; `ended` rejects when the stream breaks. */
function collectEvents(client: ContainerdClient) {
  const events: ImageEvent[] = [];
  const abort = new AbortController();
  const follow = async (): Promise<void> => {
    for await (const event of followImageEvents(client, abort.signal)) events.push(event);
  };
  const ended = follow();
  // A test that waits for it gets the rejection; the others stop it first.
  ended.catch(() => undefined);
  const stop = (): Promise<void> => {
    abort.abort();
    return ended;
  };
  return { events, ended, stop };
}
