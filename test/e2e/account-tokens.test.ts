// A credential provider plugin with tokenAttributes on a node: a real program, given a real token by a real API server.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { beforeAll, expect, it, vi } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { AGENT_BINDS, type NodeAgent, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import { type PushedImage, pushImage } from '../support/node-images.ts';
import { createSigningKey, sign, writeTruststore } from '../support/node-signatures.ts';
import {
  type PrivateRegistry,
  pullWithLogin,
  startPrivateRegistry,
} from '../support/private-registry.ts';
import { HOST_TRUST, NAMESPACE, renderChart } from '../support/rendered-manifests.ts';
import { CLUSTER_TIMEOUT_MS, TestCluster } from '../support/test-cluster.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';

const VERIFIER = '/opt/containerd/image-verifier/bin/nodeseal-verifier';
const ACCOUNT_DIR = '/run/secrets/kubernetes.io/serviceaccount';
const RIGHTS = /^(?:ServiceAccount|ClusterRole|ClusterRoleBinding|RoleBinding)$/;
const AUDIENCE = 'registry.example';
const CLIENT_ID = 'registry.example/client-id';
const BIN_DIR = '/opt/providers/bin';
const PROVIDERS = '/opt/providers/config.yaml';

// A registry's own plugin would trade the token for a password; this one looks at it and has one.
const PLUGIN = `#!/bin/sh
set -eu
request=$(cat)
claims=$(echo "$request" | jq -r '.serviceAccountToken | split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d')
echo "$claims" | jq -e --arg audience "$AUDIENCE" '.aud == [$audience] and ."kubernetes.io".pod.name != null' >&2
echo "$claims" | jq -r '.sub + " " + ."kubernetes.io".pod.name' >>/run/provider-subjects
[ "$(echo "$request" | jq -r '.serviceAccountAnnotations | to_entries | map(.key + "=" + .value) | join(" ")')" = "$EXPECTED" ]
jq -n --arg host "$HOST" --arg password "$PASSWORD" '{apiVersion: "credentialprovider.kubelet.k8s.io/v1",
  kind: "CredentialProviderResponse", cacheKeyType: "Image", auth: {($host): {username: "puller", password: $password}}}'
`;

// What is waited for takes seconds, but of several processes on a machine that may be loaded.
vi.setConfig({ testTimeout: 300_000 });

describeOnNode('a credential provider with tokenAttributes', () => {
  const login = { username: 'puller', password: randomBytes(16).toString('hex') };
  let node: TestNode;
  let cluster: TestCluster;
  let registry: PrivateRegistry;
  let client: ContainerdClient;
  let agent: NodeAgent;
  const images = new Map<string, PushedImage>();

  beforeAll(async () => {
    await using started = new AsyncDisposableStack();
    cluster = started.use(await TestCluster.start());
    node = started.use(await bootTestNode({ bindReadOnly: AGENT_BINDS }));
    registry = await startPrivateRegistry(node, login);
    client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
    started.defer(() => {
      client.close();
    });
    await pushImages();
    await writeProvider();
    for (const name of [NAMESPACE, 'team', 'other']) {
      await cluster.kubectl('create', 'namespace', name);
    }
    agent = await startAgent();
    const all = started.move();
    return () => all.disposeAsync();
  }, CLUSTER_TIMEOUT_MS);

  it('opens the registry for the image of a pod whose account has what it asks for', async () => {
    await create(account('team', 'builder', { [CLIENT_ID]: 'client-1' }));
    await create(podOf('team', 'signed', 'builder'), podOf('team', 'unsigned', 'builder'));
    expect(await pull('signed')).toBe('');
    expect(await node.output(['cat', '/run/provider-subjects'])).toBe(
      'system:serviceaccount:team:builder signed\n',
    );
    expect(await pull('unsigned')).toContain('signature_missing');
    const labels = { registry: 'loopback', source: 'provider' };
    expect(await agent.value('nodeseal_registry_credentials_total', labels)).toBeGreaterThan(0);
  });

  it('is not run for an account that has not what it asks for', async () => {
    await create(account('team', 'plain', {}), podOf('team', 'plain', 'plain'));
    expect(await pull('plain')).toContain('registry_denied');
  });

  it('is not run in a namespace that the chart was not told of', async () => {
    await create(account('other', 'builder', { [CLIENT_ID]: 'client-1' }));
    await create(podOf('other', 'elsewhere', 'builder'));
    expect(await pull('elsewhere')).toContain('registry_denied');
  });

  it('is passed over, and told of, where there is no agent', async () => {
    const { log } = await agent.stop();
    // In the token there is more than in any log.
    expect(log.join('\n')).not.toMatch(/eyJ[\w-]+\.eyJ/);
    expect(log.join('\n')).not.toContain(login.password);
    expect(await pull('down')).toContain('registry_denied');
    const image = ['-name', named('down'), '-digest', images.get('down')?.digest ?? ''];
    const { stderr } = await node.exec([VERIFIER, ...image]);
    expect(stderr).toContain('token-provider: tokenAttributes: expected an agent');
    expect(await node.output(['cat', '/run/provider-subjects'])).not.toContain('down');
  });

  async function pushImages(): Promise<void> {
    const key = await createSigningKey(node, 'acme', 'p-256');
    await writeTruststore(node, 'acme', [key], `${SOURCE}/truststore`);
    for (const name of ['signed', 'unsigned', 'plain', 'elsewhere', 'down']) {
      const image = await pushImage(registry.filling, name);
      if (name !== 'unsigned') await sign(registry.filling, image.pinned, { key, format: 'jws' });
      images.set(name, image);
    }
    const statement = {
      ...{ name: 'acme', registryScopes: ['*'], trustStores: ['ca:acme'] },
      signatureVerification: { level: 'strict' },
      trustedIdentities: [key.subject],
    };
    const policy = { version: '1.0', trustPolicies: [statement] };
    await node.writeFile(`${SOURCE}/policy.json`, JSON.stringify(policy));
  }

  async function writeProvider(): Promise<void> {
    const variables = {
      ...{ AUDIENCE, HOST: registry.host, PASSWORD: login.password },
      EXPECTED: `${CLIENT_ID}=client-1`,
    };
    const provider = {
      ...{ name: 'token-provider', apiVersion: 'credentialprovider.kubelet.k8s.io/v1' },
      ...{ matchImages: [registry.host], defaultCacheDuration: '1h' },
      env: Object.entries(variables).map(([name, value]) => ({ name, value })),
      tokenAttributes: {
        ...{ serviceAccountTokenAudience: AUDIENCE, cacheType: 'ServiceAccount' },
        ...{ requireServiceAccount: true, requiredServiceAccountAnnotationKeys: [CLIENT_ID] },
      },
    };
    const config = { apiVersion: 'kubelet.config.k8s.io/v1', kind: 'CredentialProviderConfig' };
    await node.writeFile(`${BIN_DIR}/token-provider`, PLUGIN, 0o755);
    await node.writeFile(PROVIDERS, JSON.stringify({ ...config, providers: [provider] }));
  }

  /** With what the chart lets its service account do. */
  async function startAgent(): Promise<NodeAgent> {
    const registryCredentials = { tokenNamespaces: ['team'] };
    const rights = renderChart({ ...HOST_TRUST, registryCredentials }).filter(
      ({ kind, metadata }) =>
        RIGHTS.test(kind) && metadata.annotations?.['helm.sh/hook'] === undefined,
    );
    await create(...rights);
    const { server, serviceAccountDir } = await cluster.access(NAMESPACE, 'nodeseal');
    await node.output(['mkdir', '-p', ACCOUNT_DIR]);
    for (const name of ['token', 'ca.crt']) {
      const content = await readFile(`${serviceAccountDir}/${name}`);
      await node.writeFile(`${ACCOUNT_DIR}/${name}`, content);
    }
    return startNodeAgent(node, {
      NODESEAL_LOG_LEVEL: 'debug',
      NODESEAL_SERVICE_ACCOUNT_TOKENS: 'on',
      NODESEAL_CREDENTIAL_PROVIDER_CONFIG: PROVIDERS,
      NODESEAL_CREDENTIAL_PROVIDER_BIN_DIR: BIN_DIR,
      NODESEAL_NODE_NAME: node.name,
      KUBERNETES_SERVICE_HOST: server.host,
      KUBERNETES_SERVICE_PORT: String(server.port),
    });
  }

  function account(namespace: string, name: string, annotations: object): object {
    return { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name, annotations } };
  }

  /** Bound to the node, as the scheduler does it; what kubelet would do is done by the test. */
  function podOf(namespace: string, name: string, serviceAccountName: string): object {
    const image = `${registry.host}/${name}:latest`;
    return {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name } },
      spec: { nodeName: node.name, serviceAccountName, containers: [{ name: 'main', image }] },
    };
  }

  function named(name: string): string {
    return (images.get(name)?.tagged ?? '').replace(registry.filling.host, registry.host);
  }

  /** Why it is refused; '' where it is not. */
  async function pull(name: string): Promise<string> {
    try {
      await pullWithLogin(client, named(name), login);
      return '';
    } catch (error) {
      return String(error);
    }
  }

  async function create(...objects: readonly object[]): Promise<void> {
    expect(await cluster.apply(objects)).toMatchObject({ code: 0 });
  }
});
