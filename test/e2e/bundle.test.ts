// A closed site on a real node: what `nodeseal bundle` wrote where registry and responders were
// reached decides where they are not.
import { readdirSync } from 'node:fs';
import { beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import type { ContainerdClient } from '../../agent/node/containerd/client.ts';
import { pullImage } from '../../agent/node/containerd/cri.ts';
import { createCa } from '../support/ca.ts';
import type { TestCertificate } from '../support/certificate.ts';
import { mintCrl } from '../support/crl.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { agedOcsp, flipByte } from '../support/node-bundle.ts';
import { type NodeAgent, nodeseal, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import {
  type PushedImage,
  pushImage,
  type Registry,
  startRegistry,
} from '../support/node-images.ts';
import { attachEnvelope } from '../support/node-referrers.ts';
import { mintOcspResponse } from '../support/ocsp.ts';
import { type EvidenceServer, openEvidenceServer, serveBytes } from '../support/ocsp-server.ts';
import { MEDIA_TYPES, signEnvelope } from '../support/sign-envelope.ts';
import { bootSigningNode } from '../support/signing-node.ts';
import { describeOnNode, type TestNode } from '../support/test-node.ts';

/** Where the bundle is written, and where the node's agent looks for it. */
const WRITTEN = '/root/bundle';
const CARRIED = `${SOURCE}/bundle`;
const HOUR_MS = 3600 * 1000;

/** What the connected site signed, by how; each is at the closed site as well, without a signature. */
const NAMES = ['by-ocsp', 'by-crl', 'later', 'revoked', 'unsigned'] as const;
type Name = (typeof NAMES)[number];

describeOnNode('a node that reaches neither signatures nor responders', () => {
  const ca = createCa({ name: 'Closed' });
  const signers = new Map<string, TestCertificate>();
  const images = new Map<string, PushedImage>();
  let node: TestNode;
  let closed: Registry;
  let client: ContainerdClient;
  let written: { readonly code: number; readonly stdout: string };

  beforeAll(async () => {
    await using started = new AsyncDisposableStack();
    const signing = await bootSigningNode(started);
    ({ node, client } = signing);
    const responders = await openEvidenceServer((close) => {
      started.defer(close);
    });
    for (const name of NAMES) await push(signing.registry, responders, name);
    const names = NAMES.map((name) => imageOf(name).tagged);
    written = await nodeseal(node, 'bundle', '--output', WRITTEN, ...names);
    // From here on it is another site: images were copied, signatures were not.
    closed = await startRegistry(node, 'docker-registry');
    for (const name of NAMES) images.set(name, await copied(imageOf(name)));
    signing.registry.stop();
    responders.routes.clear();
    await node.writeFile(`${SOURCE}/truststore/x509/ca/closed/root.crt`, ca.root.pem);
    await node.writeFile(`${SOURCE}/policy.json`, policyFor(closed.host));
    const kept = started.move();
    return () => kept.disposeAsync();
  });

  beforeEach(carryIn);

  it('is given a bundle that says what it has, and what has no signature', () => {
    expect(written.code).toBe(1);
    expect(written.stdout).toContain(`/unsigned:latest  no signature\n`);
    expect(written.stdout).toContain('good by OCSP until');
    expect(written.stdout).toContain('revoked by OCSP until');
    expect(written.stdout).toMatch(/: 5 images, 1 CRL, 3 OCSP responses\n$/);
  });

  it('judges by what was carried in while the agent runs, which tells how old that is', async () => {
    const agent = await startAgent();
    await expectRightPulls();
    const now = Date.now() / 1000;
    const value = (name: string) => agent.value(`nodeseal_${name}_timestamp_seconds`);
    const ends = [await value('crl_expiry'), await value('carried_ocsp_expiry')];
    expect(ends.every((end) => end > now)).toBe(true);
    const created = await value('bundle_created');
    expect([created > now - 24 * 3600, created < now]).toEqual([true, true]);
  });

  it('takes up a bundle that comes while the agent runs', async () => {
    await node.output(['rm', '-rf', CARRIED]);
    await startAgent();
    const message = await expectDenied('later', 'signature_missing');
    expect(message).toMatch(/; bundle "\S+": /);
    await carryIn();
    await expectAllowed('later');
  });

  it('judges by it without the agent, too, and says so', async () => {
    await (await startAgent()).stop();
    await expectRightPulls();
    const lines = await node.output([
      'journalctl',
      '--quiet',
      '-o',
      'cat',
      '-t',
      'nodeseal-verifier',
    ]);
    expect(lines).toContain('; its signature is in a bundle of ');
  });

  it('refuses what it allowed once the bundle was tampered with, and allows it again when that is mended', async () => {
    await (await startAgent()).stop();
    for (const file of blobs()) await flipByte(node.path(file));
    const content = await expectDenied('by-ocsp', 'signature_missing');
    expect(content).toMatch(/; bundle "\S+": sha256:\w+: expected sha256:\w+/);
    await carryIn();
    await expectAllowed('by-ocsp');
    await node.writeFile(`${CARRIED}/index.json`, '{"schemaVersion":2,"manifests":');
    const index = await expectDenied('by-ocsp', 'signature_missing');
    expect(index).toMatch(/; bundle "\S+": index.json: /);
    await carryIn();
    await expectAllowed('by-ocsp');
  });

  it('refuses by evidence that is out of date, and tells that of it', async () => {
    await (await startAgent()).stop();
    await agedOcsp(node.path(CARRIED), staleAnswer(), new Date(Date.now() - 60 * 24 * HOUR_MS));
    const message = await expectDenied('by-ocsp', 'revocation_unreachable');
    expect(message).toMatch(/carried in: OCSP response from .* expected a next update not before/);
    await expectAllowed('by-crl');
  });

  /** With what is signed allowed, and nothing else. */
  async function expectRightPulls(): Promise<void> {
    await expectAllowed('by-ocsp');
    await expectAllowed('by-crl');
    await expectDenied('revoked', 'certificate_revoked');
    await expectDenied('unsigned', 'signature_missing');
  }

  /** An image that is signed as its name says, where the registry and responders are reached. */
  async function push(registry: Registry, server: EvidenceServer, name: Name): Promise<void> {
    const image = await pushImage(registry, name);
    images.set(name, image);
    if (name === 'unsigned') return;
    const url = `${server.url}/${name}`;
    const signer = ca.issue(name === 'by-crl' ? { crlUrl: url } : { ocspUrl: url });
    signers.set(name, signer);
    const status = name === 'revoked' ? 'revoked' : 'good';
    const answer =
      name === 'by-crl' ? mintCrl(ca.issuer) : mintOcspResponse(signer, ca.issuer, { status });
    server.routes.set(`/${name}`, serveBytes(answer));
    const manifest = await node.output(['crane', 'manifest', '--insecure', image.pinned]);
    const { mediaType } = JSON.parse(manifest) as { readonly mediaType: string };
    const target = { mediaType, size: Buffer.byteLength(manifest), digest: image.digest };
    const envelope = signEnvelope({ format: 'cose', signer, target, signingTime: new Date() });
    await attachEnvelope(registry, image, envelope, MEDIA_TYPES.cose);
  }

  /** The same image at the closed site. */
  async function copied(image: PushedImage): Promise<PushedImage> {
    const repository = `${closed.host}${image.repository.slice(image.repository.indexOf('/'))}`;
    const tagged = `${repository}:latest`;
    await node.output(['crane', 'copy', '--insecure', image.pinned, tagged]);
    return { ...image, repository, tagged, pinned: `${repository}@${image.digest}` };
  }

  async function carryIn(): Promise<void> {
    await node.output(['rm', '-rf', CARRIED]);
    await node.output(['cp', '-a', WRITTEN, CARRIED]);
  }

  function blobs(): readonly string[] {
    const folder = `${CARRIED}/blobs/sha256`;
    return readdirSync(node.path(folder)).map((name) => `${folder}/${name}`);
  }

  function staleAnswer(): Buffer {
    const signer = signers.get('by-ocsp');
    if (signer === undefined) throw new TypeError('no such signer');
    return mintOcspResponse(signer, ca.issuer, { now: new Date(Date.now() - 24 * HOUR_MS) });
  }

  function imageOf(name: Name): PushedImage {
    const image = images.get(name);
    if (image === undefined) throw new TypeError(`${name} was not pushed`);
    return image;
  }

  /** It installs the pull verifier with its settings, which stay when it ends. */
  async function startAgent(): Promise<NodeAgent> {
    const agent = await startNodeAgent(node, { NODESEAL_BUNDLE_DIR: CARRIED });
    onTestFinished(async () => {
      await agent.stop();
    });
    return agent;
  }

  async function expectAllowed(name: Name): Promise<void> {
    expect(await pullImage(client, imageOf(name).tagged)).toMatch(/^sha256:/);
  }

  async function expectDenied(name: Name, reason: string): Promise<string> {
    const { message } = await expectCodeAsync(
      pullImage(client, imageOf(name).tagged),
      'containerd_failed',
    );
    expect(message).toContain(reason);
    return message;
  }
});

function policyFor(host: string): string {
  const statement = {
    name: 'closed',
    registryScopes: NAMES.map((name) => `${host}/${name}`),
    signatureVerification: { level: 'strict' },
    trustStores: ['ca:closed'],
    trustedIdentities: ['*'],
  };
  return JSON.stringify({ version: '1.0', trustPolicies: [statement] });
}
