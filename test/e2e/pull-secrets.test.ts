// Image pull secrets on a real cluster: kubelet pulls a private image for a pod, and the agent
// judges it with the pod's Secret.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { beforeAll, expect, it, vi } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage } from '../../agent/node/containerd/cri.ts';
import { formsOf, tracesOf } from '../support/credential-traces.ts';
import { freePort } from '../support/free-port.ts';
import { AGENT_BINDS, type NodeAgent, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import { configureContainerd } from '../support/node-containerd.ts';
import { pushImage } from '../support/node-images.ts';
import { installRuntime } from '../support/node-pods.ts';
import { createSigningKey, sign, writeTruststore } from '../support/node-signatures.ts';
import { type PrivateRegistry, startPrivateRegistry } from '../support/private-registry.ts';
import { HOST_TRUST, NAMESPACE, renderChart } from '../support/rendered-manifests.ts';
import { CLUSTER_TIMEOUT_MS, TestCluster, until } from '../support/test-cluster.ts';
import { kubeletBinds, startKubelet } from '../support/test-kubelet.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';

interface PodObject {
  readonly status: {
    readonly containerStatuses?: readonly {
      readonly ready: boolean;
      readonly state: { readonly waiting?: { readonly message?: string } };
    }[];
  };
}

/** Where a pod has them. */
const ACCOUNT_DIR = '/run/secrets/kubernetes.io/serviceaccount';
const RIGHTS = /^(?:ServiceAccount|ClusterRole|ClusterRoleBinding|RoleBinding)$/;

// What is waited for takes seconds, but of several processes on a machine that may be loaded.
vi.setConfig({ testTimeout: 300_000 });

describeOnNode('image pull secrets', () => {
  const login = { username: 'puller', password: randomBytes(16).toString('hex') };
  let node: TestNode;
  let cluster: TestCluster;
  let registry: PrivateRegistry;
  let client: ContainerdClient;
  let agent: NodeAgent;
  let kubeletLog = (): string => '';

  beforeAll(async () => {
    await using started = new AsyncDisposableStack();
    cluster = started.use(await TestCluster.start());
    const bindReadOnly = { ...AGENT_BINDS, ...kubeletBinds() };
    node = started.use(await bootTestNode({ bindReadOnly }));
    registry = await startPrivateRegistry(node, login);
    client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
    started.defer(() => {
      client.close();
    });
    const pause = await pushImage(registry.filling, 'pause', { command: 'sleep 3600' });
    await configureContainerd(node, client, {
      images: { pinned_images: { sandbox: pause.tagged } },
      plugins: await installRuntime(node),
    });
    await pullImage(client, pause.tagged);
    await pushImages();
    kubeletLog = await startKubelet(node, cluster, await freePort());
    await untilNode();
    agent = await startAgent();
    const all = started.move();
    return () => all.disposeAsync();
  }, CLUSTER_TIMEOUT_MS);

  it('open the registry to the agent when the pod’s image is signed', async () => {
    await create(secret('default', 'login'), podOf('default', 'signed', ['login']));
    await until('the pod to run', async () => {
      const [container] = (await pod('default', 'signed')).status.containerStatuses ?? [];
      return container?.ready === true ? true : undefined;
    }).catch(orLog);
    const labels = { registry: 'loopback', source: 'pull_secret' };
    expect(await agent.value('nodeseal_registry_credentials_total', labels)).toBeGreaterThan(0);
  });

  it('open it to the agent when the image is not signed, too: it is refused for that', async () => {
    await create(podOf('default', 'unsigned', ['login']));
    expect(await refusal('default', 'unsigned')).toContain('signature_missing');
  });

  it('come to pods from their service account', async () => {
    const imagePullSecrets = [{ name: 'login' }];
    const metadata = { name: 'puller', namespace: 'team' };
    await create(secret('team', 'login'), {
      ...{ apiVersion: 'v1', kind: 'ServiceAccount', metadata, imagePullSecrets },
    });
    await create(podOf('team', 'unsigned', [], 'puller'));
    expect(await refusal('team', 'unsigned')).toContain('signature_missing');
  });

  it('are of no use in a namespace that the chart was not told of', async () => {
    await cluster.kubectl('create', 'namespace', 'other');
    await create(secret('other', 'login'), podOf('other', 'elsewhere', ['login']));
    expect(await refusal('other', 'elsewhere')).toContain('registry_denied');
  });

  it('leave no credential in the journal, the ledger, an environment, a file or the log', async () => {
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    const page = await (await fetch(agent.url)).text();
    const { log } = await agent.stop();
    const text = [...log, metrics, page].join('\n');
    expect(text).toContain('"credential":"pull_secret"');
    for (const form of formsOf(login)) expect(text).not.toContain(form);
    expect(await tracesOf(login, node)).toEqual([]);
  });

  async function pushImages(): Promise<void> {
    const key = await createSigningKey(node, 'acme', 'p-256');
    await writeTruststore(node, 'acme', [key], `${SOURCE}/truststore`);
    const command = 'sleep 3600';
    const signed = await pushImage(registry.filling, 'signed', { command });
    await sign(registry.filling, signed.pinned, { key, format: 'jws' });
    await pushImage(registry.filling, 'unsigned', { command });
    await pushImage(registry.filling, 'elsewhere', { command });
    const statement = {
      ...{ name: 'acme', registryScopes: ['*'], trustStores: ['ca:acme'] },
      signatureVerification: { level: 'strict' },
      trustedIdentities: [key.subject],
    };
    const policy = { version: '1.0', trustPolicies: [statement] };
    await node.writeFile(`${SOURCE}/policy.json`, JSON.stringify(policy));
  }

  /** With what the chart lets its service account do. */
  async function startAgent(): Promise<NodeAgent> {
    const registryCredentials = { pullSecretNamespaces: ['default', 'team'] };
    const rights = renderChart({ ...HOST_TRUST, registryCredentials }).filter(
      ({ kind, metadata }) =>
        RIGHTS.test(kind) && metadata.annotations?.['helm.sh/hook'] === undefined,
    );
    for (const name of [NAMESPACE, 'team']) await cluster.kubectl('create', 'namespace', name);
    await create(...rights);
    const { server, serviceAccountDir } = await cluster.access(NAMESPACE, 'nodeseal');
    await node.output(['mkdir', '-p', ACCOUNT_DIR]);
    for (const name of ['token', 'ca.crt']) {
      await node.writeFile(
        `${ACCOUNT_DIR}/${name}`,
        await readFile(`${serviceAccountDir}/${name}`),
      );
    }
    return startNodeAgent(node, {
      NODESEAL_LOG_LEVEL: 'debug',
      NODESEAL_PULL_SECRETS: 'on',
      NODESEAL_NODE_NAME: node.name,
      KUBERNETES_SERVICE_HOST: server.host,
      KUBERNETES_SERVICE_PORT: String(server.port),
    });
  }

  function secret(namespace: string, name: string): object {
    const auths = { [registry.host]: login };
    const stringData = { '.dockerconfigjson': JSON.stringify({ auths }) };
    const type = 'kubernetes.io/dockerconfigjson';
    return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type, stringData };
  }

  /** On the node, in its network: there is no other. Its image is called as it is. */
  function podOf(
    namespace: string,
    name: string,
    secrets: readonly string[],
    serviceAccountName = 'default',
  ): object {
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace },
      spec: {
        ...{ nodeName: node.name, hostNetwork: true, serviceAccountName },
        terminationGracePeriodSeconds: 1,
        imagePullSecrets: secrets.map((one) => ({ name: one })),
        containers: [{ name: 'main', image: `${registry.host}/${name}:latest` }],
      },
    };
  }

  async function pod(namespace: string, name: string): Promise<PodObject> {
    return (await cluster.get('pod', '-n', namespace, name)) as PodObject;
  }

  /** What kubelet says of the pull. */
  function refusal(namespace: string, name: string): Promise<string> {
    return until('the pull to be refused', async () => {
      const [container] = (await pod(namespace, name)).status.containerStatuses ?? [];
      const message = container?.state.waiting?.message;
      return message?.includes('nodeseal-verifier') === true ? message : undefined;
    }).catch(orLog);
  }

  async function create(...objects: readonly object[]): Promise<void> {
    expect(await cluster.apply(objects)).toMatchObject({ code: 0 });
  }

  async function untilNode(): Promise<void> {
    await until('the node', async () => {
      const { code } = await cluster.run('kubectl', ['get', 'node', node.name]);
      return code === 0 ? true : undefined;
    }).catch(orLog);
  }

  async function orLog(cause: unknown): Promise<never> {
    const pods = await cluster.kubectl('describe', 'pods', '-A');
    throw new Error(`${String(cause)}\n${pods}\n${kubeletLog().slice(-2000)}`, { cause });
  }
});
