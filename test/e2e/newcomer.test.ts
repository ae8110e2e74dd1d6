// The newcomer's path of README, its very commands and files, on a real cluster of one node, from nothing to nothing.
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import {
  agentVersion,
  BUILD_TIMEOUT_MS,
  buildAgentImage,
  pushAgentImage,
} from '../support/agent-image.ts';
import { findPanel, withVariables } from '../support/dashboard.ts';
import { freePort } from '../support/free-port.ts';
import { kubernetesTools, ROOT } from '../support/kubernetes-tools.ts';
import { AGENT_BINDS } from '../support/node-agent.ts';
import { configureContainerd } from '../support/node-containerd.ts';
import {
  type PushedImage,
  pushImage,
  type Registry,
  startRegistry,
} from '../support/node-images.ts';
import { installRuntime } from '../support/node-pods.ts';
import { type NodePrometheus, runPrometheus } from '../support/node-prometheus.ts';
import { installPodNetwork } from '../support/pod-network.ts';
import { readmeSteps } from '../support/readme-steps.ts';
import { TestCluster, until } from '../support/test-cluster.ts';
import { kubeletBinds, startKubelet } from '../support/test-kubelet.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';

const HOME = '/root/newcomer';
const TOOLS = '/usr/local/lib/kubernetes-tools';
const MANIFESTS = '/usr/local/lib/manifests';
const IMAGE = 'ghcr.io/nodeseal/nodeseal';
const PAUSE = 'registry.k8s.io/pause:3.10';
/** `helm uninstall` waits for the node, and `rollout status` for the agent. */
const COMMAND_MS = 40_000;
const LOOK_MS = 250;
const PATIENCE = { timeout: 60_000, interval: LOOK_MS };

describeOnNode('the path of a newcomer', () => {
  let node: TestNode;
  let cluster: TestCluster;
  let registry: Registry;
  let client: ContainerdClient;
  let prometheus: NodePrometheus;
  let port: number;
  let before: string;
  const steps = readmeSteps('From a chart to a refused pull');

  beforeAll(async () => {
    await buildAgentImage();
    await using started = new AsyncDisposableStack();
    cluster = started.use(await TestCluster.start());
    const own = { [kubernetesTools()]: TOOLS, [`${ROOT}manifests`]: MANIFESTS };
    node = started.use(
      await bootTestNode({ bindReadOnly: { ...AGENT_BINDS, ...kubeletBinds(), ...own } }),
    );
    registry = await startRegistry(node, 'crane');
    client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
    started.defer(() => {
      client.close();
    });
    await installPodNetwork(node, cluster);
    await place(await pushImage(registry, 'pause', { command: 'sleep 3600' }), PAUSE);
    await place(await pushAgentImage(registry), `${IMAGE}:${await agentVersion()}`);
    await configureContainerd(node, client, {
      images: { pinned_images: { sandbox: PAUSE } },
      plugins: await installRuntime(node),
    });
    for (const tag of ['1.0', 'unsigned']) {
      await pushImage(registry, 'shop/cart', { tag, command: 'sleep 3600' });
    }
    await node.output(['mkdir', '-p', HOME]);
    await node.output(['ln', '-s', MANIFESTS, `${HOME}/manifests`]);
    await node.writeFile(`${HOME}/.kube/config`, cluster.read('admin.kubeconfig'), 0o600);
    port = await freePort();
    await startKubelet(node, cluster, await freePort());
    const stop = new AbortController();
    const scheduling = schedule(stop.signal);
    started.defer(async () => {
      stop.abort();
      await scheduling;
    });
    await until('the node', async () =>
      (await cluster.run('kubectl', ['get', 'node', node.name])).code === 0 ? true : undefined,
    );
    before = await files();
    const all = started.move();
    return () => all.disposeAsync();
  }, BUILD_TIMEOUT_MS);

  it('has each of its steps tried here', () => {
    expect([...steps.keys()]).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  it('signs an image and installs the chart', async () => {
    for (const step of [1, 2]) await follow(step);
    const said = await follow(3);
    expect(said).toContain('STATUS: deployed');
    expect(said).toContain('daemon set "nodeseal" successfully rolled out');
  });

  it('has Prometheus ask the agent', async () => {
    await follow(4);
    await expect.poll(() => valueOf('up{job="nodeseal"}'), PATIENCE).toBe(1);
    expect(await valueOf(`up{cluster="production", node="${node.name}"}`)).toBe(1);
    await expect.poll(() => valueOf('nodeseal_mode{mode="audit"}'), PATIENCE).toBe(1);
  });

  it('enforces', async () => {
    await follow(5);
    await expect
      .poll(() => run('kubectl get nodes --label-columns nodeseal.io/enforcement'), PATIENCE)
      .toMatch(/\benforcing\n/);
    await expect.poll(() => dashboard('Enforcing'), PATIENCE).toBe(1);
    expect(await dashboard('Reasons of refused pulls')).toBeNaN();
  });

  it('runs what is signed, refuses what is not, and says so wherever one looks', async () => {
    await follow(6);
    await run('kubectl wait --for=condition=Ready --timeout=60s pod/cart');
    const events = 'kubectl get events --field-selector reason=ImageRefused';
    await expect.poll(() => run(events), PATIENCE).toMatch(/pod\/rogue .*signature_missing/);
    const alert = `ALERTS{alertname="NodesealImagesRefused", alertstate="firing", node="${node.name}"}`;
    await expect.poll(() => valueOf(alert), PATIENCE).toBe(1);
    await expect.poll(() => dashboard('Reasons of refused pulls'), PATIENCE).toBeGreaterThan(0);
    expect(await dashboard('Enforcing')).toBe(1);
  });

  it('leaves the node byte for byte as it was, but for the ledger', async () => {
    const said = await follow(7);
    expect(said).toContain('release "nodeseal" uninstalled');
    expect(await files()).toBe(before);
    expect(await node.output(['ls', '/var/lib/nodeseal'])).toContain('ledger.sqlite');
    // The kubelet made it for the pod, and it is gone with the next boot.
    expect(await node.output(['ls', '-A', '/run/nodeseal'])).toBe('');
    const nodes = await run('kubectl get nodes --show-labels');
    expect(nodes).not.toContain('nodeseal.io');
  });

  /** Puts an image on the node by a name that it would be pulled by where its registry can be reached. */
  async function place({ tagged }: PushedImage, name: string): Promise<void> {
    const images = ['ctr', '-n', 'k8s.io', 'images'];
    await node.output([...images, 'pull', '--plain-http', tagged]);
    await node.output([...images, 'tag', tagged, name]);
    await node.output([...images, 'rm', tagged]);
  }

  /** Does what the step says; what its commands said. */
  async function follow(number: number): Promise<string> {
    const said: string[] = [];
    for (const block of steps.get(number) ?? []) {
      if (block.kind === 'file') {
        await node.writeFile(`${HOME}/${block.name}`, onTestNode(block.text));
        continue;
      }
      for (const command of block.commands) {
        if (command.startsWith('prometheus ')) {
          prometheus = await runPrometheus(node, HOME, onTestNode(command));
        } else {
          said.push(await run(onTestNode(command)));
        }
      }
    }
    return said.join('');
  }

  /** What has to be another on the test node; all else is README's. */
  function onTestNode(text: string): string {
    return text
      .replaceAll('registry.example', registry.host)
      .replaceAll('15s', '1s')
      .replace('- role: pod\n', `- role: pod\n        kubeconfig_file: ${HOME}/.kube/config\n`)
      .replace(/^notation sign /, 'notation sign --insecure-registry ')
      .replace(/^(helm install .*)$/, `$1 --set agent.listen=0.0.0.0:${port}`);
  }

  /** Throws unless it ends with 0 in time. */
  async function run(command: string): Promise<string> {
    const words = ['env', '-C', HOME, `HOME=${HOME}`, `PATH=${TOOLS}:/usr/bin:/bin`, 'sh', '-euc'];
    try {
      return await node.output([...words, command], { timeoutMs: COMMAND_MS });
    } catch (cause) {
      throw new Error(await told(), { cause });
    }
  }

  /** What the cluster has to say on what is wrong. */
  async function told(): Promise<string> {
    const { stdout } = await cluster.run('kubectl', ['describe', 'pods', '-A']);
    const logs = await node.exec(['sh', '-c', 'tail -n 30 /var/log/pods/*/*/*.log']);
    return `${stdout}\n${logs.stdout}`;
  }

  async function valueOf(query: string): Promise<number> {
    const series = await prometheus.query(query);
    return series.at(0)?.values.at(-1)?.[1] ?? NaN;
  }

  /** The first value that the panel shows. */
  async function dashboard(title: string): Promise<number> {
    const variables = { cluster: '.*', __range: '10m', __rate_interval: '1m' };
    const [target] = findPanel('nodeseal-fleet', title).targets ?? [];
    if (target === undefined) throw new Error(`${title}: expected a query`);
    return valueOf(withVariables(target.expr, variables));
  }

  /** Puts pods on the node, which the control plane of tests does not. */
  async function schedule(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { items } = (await cluster.get('pods', '-A')) as { readonly items: readonly Pod[] };
      for (const { metadata, spec } of items) {
        if (spec.nodeName !== undefined) continue;
        // It may be gone meanwhile.
        await cluster.bind(metadata.namespace, metadata.name, node.name).catch(() => undefined);
      }
      await delay(LOOK_MS);
    }
  }

  /** Every file that is the node's own, with what is in those of its configuration. */
  async function files(): Promise<string> {
    return node.output(['sh', '-euc', FILES]);
  }
});

interface Pod {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: { readonly nodeName?: string };
}

// But for what is mounted from this machine, where other tests build.
const FILES = `
find /etc /opt /usr -path /usr/local/lib/nodeseal -prune -o -printf '%p %y %m %u %g %s %l\\n' 2>/dev/null | sort
find /etc /opt -type f -exec sha256sum {} + | sort -k 2`;
