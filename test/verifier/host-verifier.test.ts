// The whole of it: policy and trust from files, signatures of every algorithm and format from a registry.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createHostVerifier } from '../../agent/verifier/host-verifier.ts';
import { createPooledTransport } from '../../agent/verifier/registry/pooled-transport.ts';
import { createCa } from '../support/ca.ts';
import { expectCode } from '../support/expect-code.ts';
import type { KeyType } from '../support/keys.ts';
import { startTestRegistry, type TestRegistryOptions } from '../support/registry.ts';
import { type EnvelopeFormat, MEDIA_TYPES, signEnvelope } from '../support/sign-envelope.ts';
import { documentOf, statement } from '../support/trust-policy.ts';

const ca = createCa({ intermediates: 1 });
const NEVER = new AbortController().signal;
const ALGORITHMS: readonly (readonly [string, KeyType])[] = [
  ['RSASSA-PSS-2048', 'rsa-2048'],
  ['RSASSA-PSS-3072', 'rsa-3072'],
  ['RSASSA-PSS-4096', 'rsa-4096'],
  ['ECDSA-P256', 'p256'],
  ['ECDSA-P384', 'p384'],
  ['ECDSA-P521', 'p521'],
];

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'host-verifier-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function writePolicy(repository: string, level = 'strict'): Promise<void> {
  const changes = {
    registryScopes: [repository],
    signatureVerification: { level },
    trustedIdentities: ['x509.subject: C=US,ST=WA,O=Example'],
  };
  await writeFile(join(root, 'policy.json'), documentOf([statement(changes)]));
}

async function writeTrust(pem = ca.root.pem): Promise<void> {
  await mkdir(join(root, 'truststore/x509/ca/acme'), { recursive: true });
  await writeFile(join(root, 'truststore/x509/ca/acme/root.pem'), pem);
}

function openVerifier() {
  const verifier = createHostVerifier({
    policyFile: join(root, 'policy.json'),
    truststoreDir: join(root, 'truststore'),
    pluginDir: join(root, 'plugins'),
    registry: { createTransport: createPooledTransport, plainHttp: [] },
  });
  onTestFinished(() => verifier.close());
  return verifier;
}

/** A registry with one image in `team/app`, which the policy covers, and a verifier of it. */
async function openAll(options: TestRegistryOptions = {}) {
  const registry = await startTestRegistry(options);
  onTestFinished(() => registry.close());
  const image = registry.pushImage('team/app', 'v1');
  await Promise.all([writePolicy(`${registry.host}/team/app`), writeTrust()]);
  const verifier = openVerifier();
  const verify = () => verifier.verify({ name: `${registry.host}/team/app:v1` }, NEVER);
  const sign = (
    format: EnvelopeFormat,
    key: KeyType = 'p256',
    form?: 'artifactType' | 'config',
  ) => {
    const envelope = signEnvelope({ format, signer: ca.issue({ key }), target: image });
    const attach = form === undefined ? {} : { form };
    return registry.attachSignature('team/app', image, envelope, MEDIA_TYPES[format], attach);
  };
  return { registry, image, verify, sign };
}

describe.each(['jws', 'cose'] as const)('a signature in %s', (format) => {
  it.each(ALGORITHMS)('by %s allows its image', async (_, key) => {
    const { image, verify, sign } = await openAll();
    expect(await verify()).toMatchObject({ decision: 'deny', reason: 'signature_missing' });
    const { digest } = sign(format, key);
    expect(await verify()).toMatchObject({
      decision: 'allow',
      reason: 'verified',
      digest: image.digest,
      signature: digest,
    });
  });

  it.each(['artifactType', 'config'] as const)(
    'in a manifest that says so by %s is found by API or tag',
    async (form) => {
      for (const referrers of [true, false]) {
        const { verify, sign } = await openAll({ referrers });
        sign(format, 'p256', form);
        expect((await verify()).reason).toBe('verified');
      }
    },
  );
});

describe('a verifier over the files of a host', () => {
  it('reads policy and trust anew for every verdict', async () => {
    const { registry, verify, sign } = await openAll();
    sign('jws');
    const before = await verify();
    expect(before.reason).toBe('verified');
    await writeTrust(createCa({ name: 'Other' }).root.pem);
    const distrusted = await verify();
    expect(distrusted.reason).toBe('certificate_untrusted');
    expect(distrusted.policyHash).toBe(before.policyHash);
    expect(distrusted.trustHash).not.toBe(before.trustHash);
    await writePolicy(`${registry.host}/team/app`, 'audit');
    const audited = await verify();
    expect(audited.reason).toBe('failure_logged');
    expect(audited.policyHash).not.toBe(before.policyHash);
  });

  it('denies without policy, with a malformed one and without trust stores', async () => {
    const { verify, sign } = await openAll();
    sign('cose');
    await rm(join(root, 'truststore'), { recursive: true });
    expect((await verify()).reason).toBe('truststore_missing');
    await writeFile(join(root, 'policy.json'), '{');
    expect((await verify()).reason).toBe('policy_invalid');
    await rm(join(root, 'policy.json'));
    expect((await verify()).reason).toBe('policy_missing');
  });

  it('keeps its connection from verdict to verdict', async () => {
    const { registry, verify, sign } = await openAll();
    sign('jws');
    await verify();
    await verify();
    expect(registry.connections).toBe(1);
  });

  it('is not made with a CA that is not PEM', () => {
    const registry = { createTransport: createPooledTransport, plainHttp: [], ca: 'not PEM' };
    const paths = { policyFile: 'policy.json', truststoreDir: 'truststore', pluginDir: 'plugins' };
    expectCode(() => createHostVerifier({ ...paths, registry }), 'setting_invalid');
  });
});
