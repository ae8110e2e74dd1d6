// Private registries on a real node: what kubelet can pull the verifier can judge, and no credential is left anywhere.
import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { AGENT_BINDS, type NodeAgent, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import { type PushedImage, pushImage } from '../support/node-images.ts';
import { formsOf, tracesOf } from '../support/credential-traces.ts';
import {
  createSigningKey,
  sign,
  type SigningKey,
  writeTruststore,
} from '../support/node-signatures.ts';
import {
  type Login,
  type PrivateRegistry,
  pullWithLogin,
  startPrivateRegistry,
} from '../support/private-registry.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';
import { expectCodeAsync } from '../support/expect-code.ts';

const SOCKET = '/run/containerd/containerd.sock';
const KUBELET_CONFIG = '/var/lib/kubelet/config.json';
// Where the agent's pod sees them: with the chart's own values it has no other folder with programs.
const BIN_DIR = '/opt/providers/bin';
const PROVIDERS = '/opt/providers/config.yaml';
/** Kubelet's folder is never mounted: with the image, it is the pull verifier that judges by it. */
const SEES_KUBELETS_FOLDER = process.env.TEST_AGENT !== 'image';
const REPOSITORIES = ['none', 'file', 'plugin', 'down-none', 'down-file', 'down-plugin'] as const;

describeOnNode('private registries', () => {
  const login: Login = { username: 'puller', password: randomBytes(16).toString('hex') };
  const [, basic] = formsOf(login);
  let node: TestNode;
  let registry: PrivateRegistry;
  let client: ContainerdClient;
  let agent: NodeAgent;
  let key: SigningKey;

  beforeAll(async () => {
    node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
    try {
      registry = await startPrivateRegistry(node, login);
      client = createContainerdClient(node.path(SOCKET));
      key = await createSigningKey(node, 'acme');
      await writeTruststore(node, 'acme', [key], `${SOURCE}/truststore`);
      await writePolicy();
      await startKubelet();
      agent = await startNodeAgent(node, { NODESEAL_LOG_LEVEL: 'debug' });
    } catch (error) {
      await node.stop();
      throw error;
    }
    return async () => {
      client.close();
      await node.stop();
    };
  });

  describe('with the agent', () => {
    it('cannot tell without a credential, though the pull itself has one', async () => {
      const { signed } = await images('none');
      await expectDenied(signed, 'registry_denied');
    });

    it('judges with what is in kubelet’s config.json', async () => {
      await writeKubeletConfig('file');
      await expectJudged('file');
      expect((await taken('docker_config')) > 0).toBe(SEES_KUBELETS_FOLDER);
    });

    it('judges with what kubelet’s provider plugin gives', async () => {
      await expectJudged('plugin');
      expect(await taken('provider')).toBeGreaterThan(0);
    });
  });

  describe('without the agent', () => {
    let log: readonly string[];

    beforeAll(async () => {
      expect(await tracesOf(login, node)).toEqual([]);
      ({ log } = await agent.stop());
    });

    it('cannot tell without a credential', async () => {
      const { signed } = await images('down-none');
      await expectDenied(signed, 'registry_denied');
    });

    it('judges with what is in kubelet’s config.json', async () => {
      await writeKubeletConfig('down-file');
      await expectJudged('down-file');
    });

    it('judges with what kubelet’s provider plugin gives', async () => {
      await expectJudged('down-plugin');
    });

    it('has left no credential in the journal, the ledger, an environment or a file', async () => {
      expect(await tracesOf(login, node)).toEqual([]);
      const text = log.join('\n');
      expect(text).toContain('registry let us in');
      expect(text).not.toContain(login.password);
      expect(text).not.toContain(basic);
    });

    it('would find one that is left', async () => {
      await node.writeFile('/run/nodeseal/left', basic);
      await node.output(['systemd-cat', 'echo', login.password]);
      expect(await tracesOf(login, node)).toEqual(['/run/nodeseal/left', 'journal']);
    });
  });

  interface Images {
    readonly signed: string;
    readonly unsigned: string;
  }

  /** Two images, by the names under which a password is asked for. */
  async function images(repository: (typeof REPOSITORIES)[number]): Promise<Images> {
    const signed = await pushImage(registry.filling, repository, { tag: 'signed' });
    const unsigned = await pushImage(registry.filling, repository, { tag: 'unsigned' });
    await sign(registry.filling, signed.pinned, { key, format: 'jws' });
    const named = ({ tagged }: PushedImage) => tagged.replace(registry.filling.host, registry.host);
    return { signed: named(signed), unsigned: named(unsigned) };
  }

  async function expectJudged(repository: (typeof REPOSITORIES)[number]): Promise<void> {
    const { signed, unsigned } = await images(repository);
    await pullWithLogin(client, signed, login);
    await expectDenied(unsigned, 'signature_missing');
  }

  async function expectDenied(image: string, reason: string): Promise<void> {
    const error = await expectCodeAsync(pullWithLogin(client, image, login), 'containerd_failed');
    expect(error.message).toContain(reason);
  }

  function taken(source: string): Promise<number> {
    const labels = { source, registry: registry.host };
    return agent.value('nodeseal_registry_credentials_total', labels);
  }

  /** For one repository alone. */
  async function writeKubeletConfig(repository: string): Promise<void> {
    const auths = { [`${registry.host}/${repository}`]: { auth: basic } };
    await node.writeFile(KUBELET_CONFIG, JSON.stringify({ auths }), 0o600);
  }

  async function writePolicy(): Promise<void> {
    const statement = {
      name: 'acme',
      registryScopes: REPOSITORIES.map((repository) => `${registry.host}/${repository}`),
      signatureVerification: { level: 'strict' },
      trustStores: ['ca:acme'],
      trustedIdentities: [key.subject],
    };
    const policy = { version: '1.0', trustPolicies: [statement] };
    await node.writeFile(`${SOURCE}/policy.json`, JSON.stringify(policy));
  }

  /** Stands for kubelet in the list of processes, where its flags are found. */
  async function startKubelet(): Promise<void> {
    const apiVersion = 'credentialprovider.kubelet.k8s.io/v1';
    const answer = {
      apiVersion,
      kind: 'CredentialProviderResponse',
      cacheKeyType: 'Registry',
      cacheDuration: '1h0m0s',
      auth: { [registry.host]: login },
    };
    const script = `#!/bin/sh\ncat >/dev/null\ncat <<'END'\n${JSON.stringify(answer)}\nEND\n`;
    await node.writeFile(`${BIN_DIR}/test-provider`, script, 0o755);
    const config = `
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
  - name: test-provider
    apiVersion: ${apiVersion}
    defaultCacheDuration: 1m
    matchImages: ['${registry.host}/plugin', '${registry.host}/down-plugin']
`;
    await node.writeFile(PROVIDERS, config);
    await node.writeFile('/opt/providers/kubelet', '#!/bin/sh\nsleep infinity\n', 0o755);
    await node.output([
      ...['systemd-run', '--unit=kubelet', '/opt/providers/kubelet'],
      `--image-credential-provider-config=${PROVIDERS}`,
      `--image-credential-provider-bin-dir=${BIN_DIR}`,
    ]);
  }
});
