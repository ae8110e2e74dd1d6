// Real containerds: every line that they log is read, and what they log about pulls is what we take it for.
import { beforeAll, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage, removeImage } from '../../agent/node/containerd/cri.ts';
import type { TomlTable } from '../../agent/node/containerd/toml.ts';
import { isSupported } from '../../agent/node/containerd/version.ts';
import {
  classifyContainerdLine,
  type ContainerdEvent,
  type ContainerdEventKind,
} from '../../agent/node/journald/containerd-event.ts';
import { parseContainerdLine } from '../../agent/node/journald/containerd-line.ts';
import { describeOnContainerds } from '../support/containerds.ts';
import { configureContainerd } from '../support/node-containerd.ts';
import { type PushedImage, pushImage, startRegistry } from '../support/node-images.ts';
import { bootTestNode, type TestNode } from '../support/test-node.ts';

const BIN_DIR = '/opt/containerd/image-verifier/bin';

describeOnContainerds('the log lines of containerd', ({ version, boot }) => {
  let node: TestNode;
  let client: ContainerdClient;
  let image: PushedImage;
  let logged: readonly ContainerdEvent[];

  beforeAll(async () => {
    node = await bootTestNode(boot);
    try {
      client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
      image = await pushImage(await startRegistry(node, 'crane'), 'image', { index: true });
      await doEverythingThatIsLogged();
      logged = await events();
    } catch (error) {
      await node.stop();
      throw error;
    }
    return async () => {
      client.close();
      await node.stop();
    };
  });

  /** At level debug, which alone shows pulls that were allowed. */
  async function restart(images: TomlTable): Promise<void> {
    const root = { debug: { level: 'debug' } };
    await configureContainerd(node, client, { images, root, verifier: { max_verifiers: 1 } });
  }

  /** Each pull by ctr goes through the transfer service, in every version, and leaves nothing. */
  async function pullWith(verifier: string): Promise<void> {
    await node.output(['sh', '-c', `rm -rf ${BIN_DIR}`]);
    await node.writeFile(`${BIN_DIR}/a`, verifier, 0o755);
    await node.writeFile(`${BIN_DIR}/b`, '', 0o755);
    await node.exec(['ctr', '-n', 'k8s.io', 'images', 'pull', '--plain-http', image.tagged]);
    await node.exec(['ctr', '-n', 'k8s.io', 'images', 'rm', image.tagged]);
  }

  async function doEverythingThatIsLogged(): Promise<void> {
    await restart({});
    await pullWith('#!/bin/sh\necho "no \\"signature\\"\t=ü"\nexit 1\n');
    await pullWith('#!/bin/sh\necho fine\n');
    await pullWith('#!/bin/sh\nkill -9 $$\n');
    await node.output(['rm', '-r', BIN_DIR]);
    await pullImage(client, image.tagged);
    await removeImage(client, image.tagged);
    await expect(pullImage(client, `${image.repository}:absent`)).rejects.toThrow('absent');
    await restart({ discard_unpacked_layers: true });
  }

  async function events(): Promise<readonly ContainerdEvent[]> {
    const command = 'journalctl --unit=containerd --boot --output=cat --all';
    const text = await node.output(command.split(' '));
    return text
      .split('\n')
      .filter((line) => line.startsWith('time='))
      .map((line) => classifyContainerdLine(parseContainerdLine(line)));
  }

  it('are all read', () => {
    const kinds = new Set(logged.map(({ kind }) => kind));
    const expected: ContainerdEventKind[] = [
      ...(['pull_blocked', 'pull_allowed', 'no_judgement', 'verifiers_skipped'] as const),
      ...(['image_created', 'image_updated', 'image_deleted'] as const),
      ...(['pull_started', 'pull_finished', 'pull_failed'] as const),
      ...(['containerd_started', 'containerd_booted'] as const),
      ...(isSupported(version) ? (['pull_fallback'] as const) : []),
      'other',
    ];
    expect([...kinds].sort()).toEqual(expected.sort());
  });

  it('say what we take them for', () => {
    const { digest, tagged, pinned, repository } = image;
    const judged = { name: tagged, digest };
    expect(logged).toContainEqual({
      ...{ kind: 'pull_blocked', ...judged },
      reason: 'verifier a rejected image (exit code 1): no "signature"\t=ü',
    });
    expect(logged).toContainEqual({ kind: 'pull_allowed', ...judged, reason: 'a => fine' });
    expect(logged).toContainEqual({
      ...{ kind: 'no_judgement', ...judged },
      reason: expect.stringMatching(/^failed to call verifier a .*signal: killed$/) as string,
    });
    for (const kind of ['image_created', 'image_deleted'] as const) {
      expect(logged).toContainEqual({ kind, name: tagged });
    }
    expect(logged).toContainEqual({ kind: 'pull_started', name: tagged });
    expect(logged).toContainEqual({ kind: 'pull_finished', name: tagged, repoDigest: pinned });
    const failed = logged.find(({ kind }) => kind === 'pull_failed');
    expect(failed).toMatchObject({ name: `${repository}:absent` });
    const started = logged.find(({ kind }) => kind === 'containerd_started');
    expect(started).toMatchObject({ version: expect.stringContaining(version) as string });
    if (isSupported(version)) {
      const why = 'not supported with transfer service';
      const setting = 'DiscardUnpackedLayers';
      expect(logged).toContainEqual({ kind: 'pull_fallback', setting, why });
    }
  });
});
