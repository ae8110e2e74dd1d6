// What a candidate policy would change, on a node of a stand-in for containerd and a real registry.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bundle } from '../../agent/commands/bundle.ts';
import { policyPreview } from '../../agent/commands/policy-preview.ts';
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import { createCa } from '../support/ca.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { startFakeContainerd } from '../support/fake-containerd.ts';
import { runCommand, temporaryDirectory } from '../support/front-door.ts';
import { createHostRoot, put } from '../support/host-root.ts';
import { startTestRegistry } from '../support/registry.ts';
import { MEDIA_TYPES, signEnvelope } from '../support/sign-envelope.ts';
import { documentOf, skipStatement, statement } from '../support/trust-policy.ts';

const ca = createCa();
const IMAGES = 'containerd.services.images.v1.Images';
const RUNTIME = 'runtime.v1.RuntimeService';
const PINNED = { 'io.cri-containerd.pinned': 'pinned' };

/** A node with a pause image, one signed and one unsigned application, and a policy that skips all. */
async function openNode() {
  const root = createHostRoot();
  const registry = await startTestRegistry();
  onTestFinished(() => registry.close());
  const containerd = await startFakeContainerd();
  onTestFinished(() => containerd.stop());
  const images: { name: string; labels: object; target: Descriptor }[] = [];
  const push = (repository: string, isSigned: boolean, labels: object = {}) => {
    const target = registry.pushImage(repository, 'v1', repository);
    const signer = ca.issue();
    const envelope = signEnvelope({ format: 'jws', signer, target });
    if (isSigned) registry.attachSignature(repository, target, envelope, MEDIA_TYPES.jws);
    images.push({ name: `${registry.host}/${repository}:v1`, labels, target });
  };
  push('signed', true);
  push('unsigned', false);
  push('pause', true, PINNED);
  let running: readonly string[] = [];
  containerd.answer(IMAGES, 'List', () => ({ images }));
  containerd.answer(RUNTIME, 'ListContainers', () => ({
    containers: running.map((image) => ({ id: image, state: 1, imageRef: image })),
  }));
  const registryScopes = ['signed', 'unsigned', 'pause'].map((name) => `${registry.host}/${name}`);
  const skipAll = documentOf([skipStatement({ registryScopes })]);
  put(root, 'etc/containerd/notation-policy.json', Buffer.from(skipAll).toString());
  put(root, 'etc/containerd/notation/truststore/x509/ca/acme/root.pem', ca.root.pem);
  const file = `${temporaryDirectory()}/candidate.json`;
  const strict = statement({
    registryScopes: ['*'],
    signatureVerification: { level: 'strict', override: { revocation: 'skip' } },
    trustedIdentities: ['*'],
  });
  writeFileSync(file, documentOf([strict]));
  const settings = { NODESEAL_HOST_ROOT: root };
  const previewWith = (more: Readonly<Record<string, string>>, ...args: readonly string[]) => {
    const words = [file, '--containerd-socket', containerd.socketPath, ...args];
    return runCommand(policyPreview, words, { ...settings, ...more });
  };
  return {
    ...{ root, registry, containerd, file },
    run: (repository: string) => (running = [...running, `${registry.host}/${repository}:v1`]),
    preview: (...args: readonly string[]) => previewWith({}, ...args),
    previewWith,
  };
}

describe('nodeseal policy preview', () => {
  it('looks into the bundle that was carried to the node', async () => {
    const node = await openNode();
    const names = ['signed', 'pause'].map((name) => `${node.registry.host}/${name}:v1`);
    await runCommand(bundle, ['--output', join(node.root, 'srv/bundle'), ...names]);
    for (const { referrers } of node.registry.repositories.values()) referrers.clear();
    expect((await node.preview()).stdout).toContain('images   3: 0 allowed, 3 refused\n');
    const carried = { NODESEAL_BUNDLE_DIR: '/srv/bundle' };
    const { stdout } = await node.previewWith(carried);
    expect(stdout).toContain('images   3: 2 allowed, 1 refused\n');
  });

  it('says which images would be refused, and exits with 0 while nothing runs them', async () => {
    const node = await openNode();
    node.run('signed');
    const { code, stdout, stderr } = await node.preview();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`policy   ${node.file}\n`);
    expect(stdout).toContain('images   3: 2 allowed, 1 refused\n');
    expect(stdout).toContain(`  ✗ unused   ${node.registry.host}/unsigned@sha256:`);
    expect(stdout).toContain('    refused, allowed today: signature_missing: ');
    expect(stdout).toMatch(/no image in use would be refused; 1 image that nothing uses now/);
  });

  it('exits with 1 when a running image would be refused', async () => {
    const node = await openNode();
    node.run('unsigned');
    const { code, stdout } = await node.preview();
    expect(code).toBe(1);
    expect(stdout).toContain(`  ✗ running  ${node.registry.host}/unsigned@sha256:`);
    expect(stdout).toMatch(/1 image in use would be refused when pulled again\n$/);
  });

  it('puts the pause image first, which counts as running', async () => {
    const node = await openNode();
    const emptyStores = temporaryDirectory();
    const { code, stdout } = await node.preview('--truststore', emptyStores, '--output', 'json');
    expect(code).toBe(1);
    const { images, refusedInUse } = JSON.parse(stdout) as {
      images: { use: string; change: string; candidate: { reason: string } }[];
      refusedInUse: number;
    };
    expect(refusedInUse).toBe(1);
    expect(images.map(({ use, change }) => [use, change])).toEqual([
      ['pause', 'would_be_refused'],
      ['unused', 'would_be_refused'],
      ['unused', 'would_be_refused'],
    ]);
    expect(images[0]?.candidate.reason).toBe('truststore_missing');
  });

  it('says what would be allowed that is refused today, against any policy', async () => {
    const node = await openNode();
    const against = `${temporaryDirectory()}/against.json`;
    writeFileSync(against, documentOf([skipStatement({ registryScopes: ['other.example/app'] })]));
    const { code, stdout } = await node.preview('--against', against);
    expect(code).toBe(0);
    expect(stdout).toContain('    allowed, refused today: verified: ');
    expect(stdout).toContain('    refused, as today: signature_missing: ');
  });

  it('previews the first policy of a host that has none', async () => {
    const node = await openNode();
    const settings = { NODESEAL_HOST_ROOT: createHostRoot() };
    const args = ['--containerd-socket', node.containerd.socketPath, '--output', 'json'];
    const { stdout } = await runCommand(policyPreview, [node.file, ...args], settings);
    expect(JSON.parse(stdout)).toMatchObject({
      against: null,
      images: [{ use: 'pause', change: 'no_policy_yet', current: null }, {}, {}],
    });
  });

  it('tells an image that could not be judged from one that is no good', async () => {
    const node = await openNode();
    node.run('signed');
    await node.registry.close();
    const { code, stdout } = await node.preview();
    expect(code).toBe(1);
    expect(stdout).toContain('  ? running  ');
    expect(stdout).toContain('registry_unreachable');
  });

  it('passes over what a canary left', async () => {
    const node = await openNode();
    const target = node.registry.pushImage('canary', 'v1');
    const name = `127.0.0.1:5000/nodeseal-canary/${'a'.repeat(32)}-unsigned@${target.digest}`;
    node.containerd.answer(IMAGES, 'List', () => ({ images: [{ name, labels: {}, target }] }));
    expect((await node.preview()).stdout).toContain('images   0: ');
  });

  it('could not run without containerd, with a bad policy, or with a record that it cannot read', async () => {
    const node = await openNode();
    await expectCodeAsync(node.preview('--against', '/nowhere'), 'policy_missing');
    await expectCodeAsync(node.preview('--output', 'xml'), 'argument_invalid');
    writeFileSync(node.file, '{');
    await expectCodeAsync(node.preview(), 'policy_invalid');
    writeFileSync(node.file, documentOf([skipStatement()]));
    node.containerd.answer(IMAGES, 'List', () => ({ images: [{ name: 'a', labels: {} }] }));
    await expectCodeAsync(node.preview(), 'descriptor_invalid');
    await expectCodeAsync(
      node.preview('--containerd-socket', `${node.root}/none.sock`),
      'containerd_unavailable',
    );
  });
});
