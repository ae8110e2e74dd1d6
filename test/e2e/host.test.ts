// Installing on a real node: no restart of containerd, and a node that pulls again after uninstalling.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage, removeImage } from '../../agent/node/containerd/cri.ts';
import { installOnHost, uninstallFromHost } from '../../agent/node/host/install.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { pushImage, type Registry, startRegistry } from '../support/node-images.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';

describeOnNode('installing on a host', () => {
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;
  let directory: string;

  beforeAll(async () => {
    node = await bootTestNode();
    directory = await mkdtemp(join(tmpdir(), 'nodeseal-host-'));
    const stop = async (): Promise<void> => {
      await node.stop();
      await rm(directory, { recursive: true });
    };
    try {
      registry = await startRegistry(node, 'crane');
      client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
    } catch (error) {
      await stop();
      throw error;
    }
    return async () => {
      client.close();
      await stop();
    };
  });

  const install = async (verifier: string) => {
    const verifierPath = join(directory, 'nodeseal-verifier');
    await writeFile(verifierPath, verifier);
    return installOnHost({
      hostRoot: node.root,
      verifierPath,
      policyBytes: Buffer.from('{}'),
      trustFiles: [{ path: 'x509/ca/acme/root.crt', bytes: Buffer.from('acme') }],
      settings: {},
    });
  };

  it('is in force with the next pull, and out of force once uninstalled', async () => {
    const files = () => node.output(['find', '/opt', '/etc/containerd', '-type', 'f']);
    const before = await files();
    const running = await node.output(['systemctl', 'show', '-p', 'MainPID', 'containerd']);
    const image = await pushImage(registry, 'app');
    expect((await install('#!/bin/sh\necho ours; exit 1\n')).changed).toHaveLength(4);
    const error = await expectCodeAsync(pullImage(client, image.tagged), 'containerd_failed');
    expect(error.message).toContain('nodeseal-verifier rejected image (exit code 1): ours');
    expect((await install('#!/bin/sh\nexit 0\n')).changed).toHaveLength(1);
    await pullImage(client, image.tagged);
    expect((await uninstallFromHost({ hostRoot: node.root })).left).toEqual([]);
    expect(await files()).toBe(before);
    await removeImage(client, image.tagged);
    await pullImage(client, image.tagged);
    expect(await node.output(['systemctl', 'show', '-p', 'MainPID', 'containerd'])).toBe(running);
  });
});
