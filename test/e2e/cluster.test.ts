// The chart on a real cluster: a kubelet runs its DaemonSet on the node, and Kubernetes is told of the node and its pods.
import { beforeAll, expect, it, vi } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage } from '../../agent/node/containerd/cri.ts';
import { BUILD_TIMEOUT_MS, buildAgentImage, pushAgentImage } from '../support/agent-image.ts';
import { freePort } from '../support/free-port.ts';
import { AGENT_BINDS } from '../support/node-agent.ts';
import { configureContainerd } from '../support/node-containerd.ts';
import {
  type PushedImage,
  pushImage,
  type Registry,
  startRegistry,
} from '../support/node-images.ts';
import { installRuntime } from '../support/node-pods.ts';
import { createSigningKey, sign, type SigningKey } from '../support/node-signatures.ts';
import {
  type ChartValues,
  type Manifest,
  NAMESPACE,
  renderChart,
} from '../support/rendered-manifests.ts';
import { type ClusterEvent, TestCluster, until } from '../support/test-cluster.ts';
import { kubeletBinds, startKubelet } from '../support/test-kubelet.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';

interface PodObject extends Manifest {
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly containerStatuses?: readonly { readonly ready: boolean }[] };
}

interface NodeObject extends Manifest {
  readonly status: {
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
  };
}

interface EventList {
  readonly items: readonly ClusterEvent[];
}

const ENFORCED = 'pod-security.kubernetes.io/enforce';

// What is waited for takes seconds, but of several processes on a machine that may be loaded.
vi.setConfig({ testTimeout: 300_000 });

describeOnNode('the chart on a cluster', () => {
  let node: TestNode;
  let cluster: TestCluster;
  let registry: Registry;
  let client: ContainerdClient;
  let key: SigningKey;
  let before: PushedImage;
  let values: ChartValues;
  let kubeletLog = (): string => '';

  beforeAll(async () => {
    await buildAgentImage();
    await using started = new AsyncDisposableStack();
    cluster = started.use(await TestCluster.start());
    const bindReadOnly = { ...AGENT_BINDS, ...kubeletBinds() };
    node = started.use(await bootTestNode({ bindReadOnly }));
    registry = await startRegistry(node, 'crane');
    client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
    started.defer(() => {
      client.close();
    });
    const pause = await pushImage(registry, 'pause', { command: 'sleep 3600' });
    await configureContainerd(node, client, {
      images: { pinned_images: { sandbox: pause.tagged } },
      plugins: await installRuntime(node),
    });
    key = await createSigningKey(node, 'acme', 'p-256');
    const image = await pushAgentImage(registry);
    before = await pushImage(registry, 'app', { tag: 'before', command: 'sleep 3600' });
    for (const { pinned } of [pause, image]) await sign(registry, pinned, { key, format: 'jws' });
    for (const { tagged } of [pause, image, before]) await pullImage(client, tagged);
    kubeletLog = await startKubelet(node, cluster, await freePort());
    values = await valuesFor(image);
    const all = started.move();
    return () => all.disposeAsync();
  }, BUILD_TIMEOUT_MS);

  it('has a node with a pod on it that is not signed', async () => {
    await until('the node', async () => {
      const { code } = await cluster.run('kubectl', ['get', 'node', node.name]);
      return code === 0 ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(kubeletLog().slice(-2000), { cause: error });
    });
    await create(podOf('unsigned', before.tagged));
    await untilReady('default', 'unsigned');
  });

  it('lets no pod in but in a namespace that allows what it needs', async () => {
    const labels = { [ENFORCED]: 'baseline' };
    const namespace = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: NAMESPACE, labels },
    };
    const { code, stderr } = await cluster.apply([namespace, ...own(renderChart(values))]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toContain('violate PodSecurity');
    const refusal = await until('the controller to be refused', async () => {
      const { items } = (await cluster.get('events', '-n', NAMESPACE)) as EventList;
      return items.find(({ reason }) => reason === 'FailedCreate');
    });
    expect(refusal.message).toContain('hostPath');
    await cluster.kubectl('label', '--overwrite', 'namespace', NAMESPACE, `${ENFORCED}=privileged`);
    await cluster.kubectl('delete', 'daemonset', '-n', NAMESPACE, 'nodeseal');
  });

  it('runs the agent by its DaemonSet until it is ready', async () => {
    await create(...own(renderChart(values)));
    const pod = await until('a pod of the DaemonSet', async () => (await podsOf(NAMESPACE))[0]);
    await cluster.bind(NAMESPACE, pod.metadata.name, node.name);
    await untilReady(NAMESPACE, pod.metadata.name);
  });

  it('shows on the Node that it enforces, and tells of the change', async () => {
    const { metadata } = await until('the condition', async () => {
      const found = (await cluster.get('node', node.name)) as NodeObject;
      const shown = found.status.conditions.find(({ type }) => type === 'NodesealEnforcing');
      return shown?.status === 'True' ? found : undefined;
    }).catch(orLog);
    expect(metadata.labels).toMatchObject({ 'nodeseal.io/enforcement': 'enforcing' });
    expect(await untilEvent('EnforcementProved', node.name)).toMatchObject({
      type: 'Normal',
      involvedObject: { kind: 'Node' },
    });
    expect(await cluster.kubectl('describe', 'node', node.name)).toContain('EnforcementProved');
  });

  it('tells the pod that runs an image which is refused today', async () => {
    expect(await untilEvent('RunningImageFailed', 'unsigned')).toMatchObject({
      type: 'Warning',
      message: expect.stringContaining('signature_missing') as string,
      involvedObject: { kind: 'Pod', fieldPath: 'spec.containers{main}' },
      source: { component: 'nodeseal', host: node.name },
    });
    expect(await cluster.kubectl('describe', 'pod', 'unsigned')).toContain('RunningImageFailed');
  });

  it('tells the pod whose image was refused, as one Event with a count', async () => {
    const image = await pushImage(registry, 'app', { tag: 'refused' });
    await create(podOf('refused', image.tagged));
    const event = await untilEvent('ImageRefused', 'refused');
    expect(event).toMatchObject({
      type: 'Warning',
      message: expect.stringContaining('signature_missing') as string,
      involvedObject: { kind: 'Pod', fieldPath: 'spec.containers{main}' },
    });
    expect(event.message).toContain(image.tagged);
    // kubelet tries again after ten seconds, and then after twenty more.
    await until('the second refusal', async () => {
      const [again] = await cluster.events('ImageRefused');
      return again !== undefined && again.count > 1 ? again : undefined;
    });
    expect(await cluster.events('ImageRefused')).toHaveLength(1);
    expect(await cluster.kubectl('describe', 'pod', 'refused')).toContain('ImageRefused');
  });

  it('lets a signed image run', async () => {
    const image = await pushImage(registry, 'app', { tag: 'signed', command: 'sleep 3600' });
    await sign(registry, image.pinned, { key, format: 'cose' });
    await create(podOf('signed', image.tagged));
    await untilReady('default', 'signed');
    const refused = await cluster.events('ImageRefused');
    expect(refused.map(({ involvedObject: { name } }) => name)).toEqual(['refused']);
  });

  async function valuesFor(image: PushedImage): Promise<ChartValues> {
    const [repository, tag] = [image.repository, image.tagged.slice(image.repository.length + 1)];
    return {
      mode: 'enforce',
      image: { repository, tag },
      agent: { listen: `127.0.0.1:${await freePort()}`, reverifySpread: '1s' },
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
    };
  }

  /** On the node, in its network: there is no other. */
  function podOf(name: string, image: string): object {
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default' },
      spec: {
        nodeName: node.name,
        hostNetwork: true,
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'main', image, command: ['/bin/busybox', 'sleep', '3600'] }],
      },
    };
  }

  async function podsOf(namespace: string): Promise<readonly PodObject[]> {
    const list = await cluster.get('pods', '-n', namespace);
    return (list as { readonly items: readonly PodObject[] }).items;
  }

  async function create(...objects: readonly object[]): Promise<void> {
    expect(await cluster.apply(objects)).toMatchObject({ code: 0 });
  }

  async function untilReady(namespace: string, name: string): Promise<void> {
    await until(`pod ${name} to be ready`, async () => {
      const pod = (await podsOf(namespace)).find(({ metadata }) => metadata.name === name);
      return pod?.status.containerStatuses?.every(({ ready }) => ready) === true ? pod : undefined;
    }).catch(async (error: unknown) => {
      const told = await cluster.kubectl('describe', 'pod', '-n', namespace, name);
      return orLog(new Error(told, { cause: error }));
    });
  }

  async function untilEvent(reason: string, name: string): Promise<ClusterEvent> {
    return until(`an Event ${reason}`, async () =>
      (await cluster.events(reason)).find(({ involvedObject }) => involvedObject.name === name),
    ).catch(orLog);
  }

  /** Throws what the agent wrote. */
  async function orLog(cause: unknown): Promise<never> {
    const { stdout } = await node.exec([
      'sh',
      '-c',
      `tail -n 40 /var/log/pods/${NAMESPACE}_*/*/*.log`,
    ]);
    throw new Error(`${String(cause)}\n${stdout}\n${kubeletLog().slice(-2000)}`, { cause });
  }
});

/** Without the hooks, which are not there before it is uninstalled. */
function own(manifests: readonly Manifest[]): readonly Manifest[] {
  return manifests.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook'] === undefined);
}
