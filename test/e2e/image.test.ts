// The image as it is deployed: the chart's pod, run by containerd on a real node, from its pull to the node without it.
import { readFile } from 'node:fs/promises';
import { beforeAll, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage, removeImage } from '../../agent/node/containerd/cri.ts';
import {
  agentVersion,
  BUILD_TIMEOUT_MS,
  buildAgentImage,
  pushAgentImage,
} from '../support/agent-image.ts';
import { type AgentPod, runAgentPod } from '../support/agent-pod.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { freePort } from '../support/free-port.ts';
import { AGENT_BINDS, nodeAgentAt } from '../support/node-agent.ts';
import { CONFIG_PATH, configureContainerd } from '../support/node-containerd.ts';
import {
  type PushedImage,
  pushImage,
  type Registry,
  startRegistry,
} from '../support/node-images.ts';
import { installRuntime } from '../support/node-pods.ts';
import { createSigningKey, sign, type SigningKey } from '../support/node-signatures.ts';
import { renderChart } from '../support/rendered-manifests.ts';
import { type RenderedPod, renderedPod } from '../support/rendered-pod.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';

/** pino's. */
const INFO = 30;

describeOnNode('the image on a node', () => {
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;
  let pause: PushedImage;
  let plugins: Awaited<ReturnType<typeof installRuntime>>;
  let image: PushedImage;
  let key: SigningKey;
  let rendered: RenderedPod;
  let pod: AgentPod;
  let agent: ReturnType<typeof nodeAgentAt>;
  let filesBefore: string;

  beforeAll(async () => {
    await buildAgentImage();
    node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
    try {
      registry = await startRegistry(node, 'crane');
      client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
      pause = await pushImage(registry, 'pause', { command: 'sleep 3600' });
      plugins = await installRuntime(node);
      await configureContainerd(node, client, {
        images: { pinned_images: { sandbox: pause.tagged } },
        plugins,
      });
      image = await pushAgentImage(registry);
      key = await createSigningKey(node, 'acme', 'p-256');
      for (const { pinned } of [pause, image]) await sign(registry, pinned, { key, format: 'jws' });
      for (const { tagged } of [pause, image]) await pullImage(client, tagged);
      filesBefore = await files();
      const port = await freePort();
      rendered = renderedPod(
        renderChart({
          mode: 'enforce',
          agent: { listen: `127.0.0.1:${port}`, reverifySpread: '1s' },
          kubernetes: { report: false },
          trustPolicy: {
            version: '1.0',
            trustPolicies: [
              {
                ...{ name: 'acme', registryScopes: ['*'], trustStores: ['ca:acme'] },
                signatureVerification: { level: 'strict' },
                trustedIdentities: [key.subject],
              },
            ],
          },
          trustStores: { ca: { acme: key.caPem } },
        }),
      );
      pod = await runAgentPod({ node, client }, image, rendered);
      agent = nodeAgentAt(node, `http://127.0.0.1:${port}`);
    } catch (error) {
      await node.stop();
      throw error;
    }
    return async () => {
      client.close();
      await node.stop();
    };
  }, BUILD_TIMEOUT_MS);

  it('is ready by the probes of the chart', async () => {
    const { startup, liveness, readiness } = rendered.probes;
    for (const { path, host, port } of [startup, liveness, readiness]) {
      await agent
        .until(path, async () => {
          const reply = await fetch(`http://${host ?? '127.0.0.1'}:${port}${path}`).catch(
            () => null,
          );
          return reply?.ok === true;
        })
        .catch(async (error: unknown) => {
          throw new Error((await pod.log()).join('\n'), { cause: error });
        });
    }
  });

  it('proves by its canary that the node enforces', async () => {
    await agent.until(
      'the state enforcing',
      async () => (await agent.value('nodeseal_enforcement_state', { state: 'enforcing' })) === 1,
    );
    const causes = (await agent.metrics()).filter(
      ({ name, value }) => name === 'nodeseal_enforcement_cause' && value > 0,
    );
    expect(causes).toEqual([]);
  });

  it('lets in a signed image and refuses an unsigned one, and counts both', async () => {
    const signed = await pushImage(registry, 'app', { tag: 'signed' });
    await sign(registry, signed.pinned, { key, format: 'cose' });
    await pullImage(client, signed.tagged);
    const unsigned = await pushImage(registry, 'app', { tag: 'unsigned' });
    const error = await expectCodeAsync(pullImage(client, unsigned.tagged), 'containerd_failed');
    expect(error.message).toContain('signature_missing');
    for (const decision of ['allow', 'deny']) {
      await agent.until(
        `a pull that came to ${decision}`,
        async () =>
          (await agent.value('nodeseal_verdicts_total', { source: 'pull', decision })) > 0,
      );
    }
    await removeImage(client, signed.tagged);
  });

  it('warns of the refused pull and of nothing else', async () => {
    const lines = (await pod.log()).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.filter(({ level }) => Number(level) > INFO)).toEqual([
      expect.objectContaining({ decision: 'deny', reason: 'signature_missing', mode: 'enforce' }),
    ]);
    expect(lines.find(({ msg }) => msg === 'running')).toMatchObject({
      version: await agentVersion(),
    });
  });

  it('answers `nodeseal status` inside the container', async () => {
    const { code, stdout } = await inContainer('nodeseal', 'status');
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toContain('enforcing');
  });

  it('has no shell and no package manager', async () => {
    for (const program of ['sh', 'bash', 'busybox', 'apt-get', 'dpkg', 'npm']) {
      expect((await inContainer(program)).code).not.toBe(0);
    }
  });

  it('leaves no dead child behind', async () => {
    const states = await node.output(['ps', '-eo', 'stat=,comm=']);
    expect(states.split('\n').filter((line) => line.startsWith('Z'))).toEqual([]);
  });

  it('leaves the node as it was, once uninstalled', async () => {
    await pod.stop();
    await pod.remove();
    await runOnce('uninstall');
    expect(await files()).toBe(filesBefore);
  });

  it('lets containerd ask verifiers where it did not, and takes that back, from its container', async () => {
    await configureContainerd(node, client, {
      images: { pinned_images: { sandbox: pause.tagged }, use_local_image_pull: true },
      plugins,
    });
    const before = await readFile(node.path(CONFIG_PATH));
    const unsigned = await pushImage(registry, 'app', { tag: 'local' });
    expect(await runOnce('install', '--configure-containerd')).toContain('use_local_image_pull');
    await expectCodeAsync(pullImage(client, unsigned.tagged), 'containerd_failed');
    await runOnce('uninstall');
    expect(await readFile(node.path(CONFIG_PATH))).toEqual(before);
    await pullImage(client, unsigned.tagged);
  });

  /** Runs the pod with other arguments to its end, and returns what it said. */
  async function runOnce(...args: readonly string[]): Promise<string> {
    const once = await runAgentPod({ node, client }, image, rendered, { args });
    await agent.until('its end', async () => {
      // containerd may just be restarted.
      return (await once.exitCode().catch(() => null)) !== null;
    });
    const said = (await once.log()).join('\n');
    expect([await once.exitCode(), said]).toEqual([0, said]);
    await once.remove();
    return said;
  }

  async function inContainer(...command: readonly string[]) {
    const exec = ['ctr', '-n', 'k8s.io', 'tasks', 'exec', '--exec-id', 'test', pod.containerId];
    return node.exec([...exec, ...command]);
  }

  /** Everything below the directories that the pod can write to, but for the ledger, which stays. */
  async function files(): Promise<string> {
    return node.output([
      ...['sh', '-euc', 'find /etc/containerd /opt -printf "%p %y %m %u %g %s %l\\n" | sort'],
    ]);
  }
});
