// What guides to Notation on containerd tell people to do, done to the letter on a real node.
import { beforeAll, expect, it } from 'vitest';
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage } from '../../agent/node/containerd/cri.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { AGENT_BINDS, type NodeAgent, nodeseal, startNodeAgent } from '../support/node-agent.ts';
import {
  type PushedImage,
  pushImage,
  type Registry,
  startRegistry,
} from '../support/node-images.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';

const POLICY = '/etc/containerd/notation-policy.json';
const TRUST = '/etc/containerd/notation/truststore';
const CERTIFICATE = '/root/.config/notation/localkeys/example.io.crt';

describeOnNode('a node set up by the guide', () => {
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;
  let agent: NodeAgent;
  let signed: PushedImage;

  beforeAll(async () => {
    node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
    try {
      registry = await startRegistry(node, 'docker-registry');
      client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
      signed = await pushImage(registry, 'app', { tag: 'v1.0', index: true });
      await node.output(['notation', 'cert', 'generate-test', '--default', 'example.io']);
      await node.output([
        ...['notation', 'sign', '--insecure-registry', '--force-referrers-tag=true'],
        signed.pinned,
      ]);
      await node.writeFile(POLICY, policyFor(signed.repository));
      await node.output(['mkdir', '-p', `${TRUST}/x509/ca/example.io`]);
      await node.output(['cp', CERTIFICATE, `${TRUST}/x509/ca/example.io/`]);
      // No sources: what the operator put there is used as it is.
      agent = await startNodeAgent(node, {
        NODESEAL_POLICY_SOURCE: '',
        NODESEAL_TRUSTSTORE_SOURCE: '',
      });
    } catch (error) {
      await node.stop();
      throw error;
    }
    return async () => {
      client.close();
      await agent.stop();
      await node.stop();
    };
  });

  it('lets the signed image in', async () => {
    expect(await pullImage(client, signed.tagged)).toMatch(/^sha256:/);
  });

  it('refuses an unsigned one', async () => {
    const unsigned = await pushImage(registry, 'app', { tag: 'unsigned' });
    const error = await expectCodeAsync(pullImage(client, unsigned.tagged), 'containerd_failed');
    expect(error.message).toContain('signature_missing');
  });

  it('gives the same verdict on the command line', async () => {
    const { code, stdout } = await nodeseal(
      node,
      ...['verify', signed.tagged, '--policy', POLICY, '--truststore', TRUST, '--output', 'json'],
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      decision: 'allow',
      reason: 'verified',
      policy: 'production-images',
      digest: signed.digest,
    });
  });

  it('warns that notation itself would refuse the policy', async () => {
    const { code, stdout } = await nodeseal(node, 'policy', 'check', POLICY);
    expect({ code, stdout }).toMatchObject({ code: 0 });
    expect(stdout).toContain('notation rejects the whole document');
  });

  it('shows allowed and refused pulls to whoever greps the journal', async () => {
    const { stdout } = await node.exec([
      ...['sh', '-c', "journalctl -u containerd -o cat | grep -iE 'notation|signature|verify'"],
    ]);
    expect(stdout).toContain('"decision":"allow"');
    expect(stdout).toContain('"decision":"deny"');
  });

  it('keeps the operator’s policy and certificates when it is uninstalled', async () => {
    await agent.stop();
    expect((await nodeseal(node, 'uninstall')).code).toBe(0);
    await node.output(['test', '-f', POLICY]);
    await node.output(['test', '-f', `${TRUST}/x509/ca/example.io/example.io.crt`]);
    const { code } = await node.exec([
      ...['test', '-e', '/opt/containerd/image-verifier/bin/nodeseal-verifier'],
    ]);
    expect(code).toBe(1);
  });
});

function policyFor(repository: string): string {
  return JSON.stringify({
    version: '1.0',
    trustPolicies: [
      {
        name: 'production-images',
        registryScopes: [repository],
        signatureVerification: { level: 'strict' },
        trustStores: ['ca:example.io'],
        trustedIdentities: ['x509.subject: CN=example.io'],
      },
    ],
  });
}
