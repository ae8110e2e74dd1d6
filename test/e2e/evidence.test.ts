// What a verdict asks of others, on a real node: timestamps that `notation` had made, and revocation.
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import type { ContainerdClient } from '../../agent/node/containerd/client.ts';
import { pullImage } from '../../agent/node/containerd/cri.ts';
import { createCa } from '../support/ca.ts';
import type { TestCertificate } from '../support/certificate.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { type NodeAgent, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import { type PushedImage, pushImage, type Registry } from '../support/node-images.ts';
import { attachEnvelope } from '../support/node-referrers.ts';
import { sign, type SigningKey } from '../support/node-signatures.ts';
import { mintOcspResponse } from '../support/ocsp.ts';
import { type EvidenceServer, openEvidenceServer, serveBytes } from '../support/ocsp-server.ts';
import { MEDIA_TYPES, signEnvelope } from '../support/sign-envelope.ts';
import { bootSigningNode } from '../support/signing-node.ts';
import { describeOnNode, type TestNode } from '../support/test-node.ts';
import { createTsa } from '../support/tsa.ts';
import { startTsaServer } from '../support/tsa-server.ts';

const TSA_ROOT = '/root/tsa.crt';

describeOnNode('a node whose policy asks for evidence', () => {
  const ca = createCa({ name: 'Revoking' });
  const tsa = createTsa();
  let node: TestNode;
  let registry: Registry;
  let client: ContainerdClient;
  let agent: NodeAgent;
  let key: SigningKey;

  beforeAll(async () => {
    await using started = new AsyncDisposableStack();
    ({ node, registry, client, key } = await bootSigningNode(started, { algorithm: 'rsa-2048' }));
    const stores = `${SOURCE}/truststore/x509`;
    await node.writeFile(`${stores}/ca/revoking/root.crt`, ca.root.pem);
    await node.writeFile(`${stores}/tsa/clock/root.crt`, tsa.root.pem);
    await node.writeFile(TSA_ROOT, tsa.root.pem);
    await node.writeFile(`${SOURCE}/policy.json`, JSON.stringify(policyFor(registry.host)));
    agent = await startNodeAgent(node);
    started.defer(async () => {
      await agent.stop();
    });
    const all = started.move();
    return () => all.disposeAsync();
  });

  it('lets in an image that notation had stamped, and no other', async () => {
    const server = await startTsaServer({ tsa });
    onTestFinished(() => server.close());
    const stamped = await pushImage(registry, 'stamped', { tag: 'stamped' });
    const timestamp = { url: server.url, rootPath: TSA_ROOT };
    await sign(registry, stamped.pinned, { key, format: 'jws', timestamp });
    expect(server.requests).toHaveLength(1);
    await expectAllowed(stamped);
    const bare = await pushImage(registry, 'stamped', { tag: 'bare' });
    await sign(registry, bare.pinned, { key, format: 'jws' });
    await expectDenied(bare, 'timestamp_missing');
  });

  it('lets in what OCSP says is good, and not what was revoked, with the agent and without', async () => {
    const server = await openEvidenceServer();
    const images = { good: await signed(server, 'good'), revoked: await signed(server, 'revoked') };
    await expectAllowed(images.good);
    await expectDenied(images.revoked, 'certificate_revoked');
    expect(server.requests.length).toBeGreaterThanOrEqual(2);
    await agent.stop();
    await expectAllowed(images.good);
    await expectDenied(images.revoked, 'certificate_revoked');
    agent = await startNodeAgent(node);
  });

  /** An image signed by a certificate of its own, on which the responder says `status`. */
  async function signed(server: EvidenceServer, status: 'good' | 'revoked'): Promise<PushedImage> {
    const ocspUrl = `${server.url}/${status}`;
    const signer: TestCertificate = ca.issue({ ocspUrl });
    server.routes.set(`/${status}`, serveBytes(mintOcspResponse(signer, ca.issuer, { status })));
    const image = await pushImage(registry, 'revocable', { tag: status });
    const target = { ...(await describeImage(image)), digest: image.digest };
    const envelope = signEnvelope({ format: 'cose', signer, target, signingTime: new Date() });
    await attachEnvelope(registry, image, envelope, MEDIA_TYPES.cose);
    return image;
  }

  async function describeImage({ pinned }: PushedImage) {
    const manifest = await node.output(['crane', 'manifest', pinned]);
    const { mediaType } = JSON.parse(manifest) as { readonly mediaType: string };
    return { mediaType, size: Buffer.byteLength(manifest) };
  }

  async function expectAllowed(image: PushedImage): Promise<void> {
    expect(await pullImage(client, image.tagged)).toMatch(/^sha256:/);
  }

  async function expectDenied(image: PushedImage, reason: string): Promise<void> {
    const error = await expectCodeAsync(pullImage(client, image.tagged), 'containerd_failed');
    expect(error.message).toContain(reason);
  }
});

function policyFor(host: string) {
  const statement = (name: string, trustStores: readonly string[]) => ({
    name,
    registryScopes: [`${host}/${name}`],
    signatureVerification: { level: 'strict' },
    trustStores,
    trustedIdentities: ['*'],
  });
  return {
    version: '1.0',
    trustPolicies: [
      statement('stamped', ['ca:acme', 'tsa:clock']),
      statement('revocable', ['ca:revoking']),
    ],
  };
}
