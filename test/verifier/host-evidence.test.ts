// Verdicts that need evidence, from real responders, a real authority's token and a plugin that is a process.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import { createHostVerifier } from '../../agent/verifier/host-verifier.ts';
import { createPooledTransport } from '../../agent/verifier/registry/pooled-transport.ts';
import { createCa } from '../support/ca.ts';
import type { PulledImage } from '../support/compiled-verifier.ts';
import { EVIDENCE_KINDS, openEvidenceHost } from '../support/evidence-host.ts';
import { PLUGIN_NAME } from '../support/verification-plugin.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'host-evidence-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** The verdict of a verifier of its own, as a cold one gives it. */
async function verify(image: PulledImage): Promise<Verdict> {
  const verifier = createHostVerifier({
    policyFile: join(directory, 'policy.json'),
    truststoreDir: join(directory, 'truststore'),
    pluginDir: join(directory, 'plugins'),
    crlCacheDir: join(directory, 'crl'),
    registry: { createTransport: createPooledTransport, plainHttp: [] },
  });
  onTestFinished(() => verifier.close());
  return verifier.verify(image, new AbortController().signal);
}

describe.each(EVIDENCE_KINDS)('an image judged by %s', (kind, code) => {
  it('is allowed where that is good', async () => {
    const { image, asked } = await openEvidenceHost(directory, kind, true);
    expect(await verify(image)).toMatchObject({ decision: 'allow', reason: 'verified' });
    expect(asked()).toBeGreaterThan(0);
  });

  it('is refused where that is against it', async () => {
    const { image, asked } = await openEvidenceHost(directory, kind, false);
    const verdict = await verify(image);
    expect(verdict).toMatchObject({ decision: 'deny', reason: code, inconclusive: false });
    expect(asked()).toBeGreaterThan(0);
  });
});

describe('an image for which evidence cannot be had', () => {
  it.each(['ocsp', 'crl'])(
    'from a server that is gone is refused as inconclusive: %s',
    async (kind) => {
      const { image, server } = await openEvidenceHost(directory, kind, true);
      server?.routes.clear();
      expect(await verify(image)).toMatchObject({
        decision: 'deny',
        reason: 'revocation_unreachable',
        inconclusive: true,
      });
    },
  );

  it('from a plugin that is not installed is refused by the path where it was looked for', async () => {
    const { image } = await openEvidenceHost(directory, 'plugin', true);
    await rm(join(directory, 'plugins', PLUGIN_NAME), { recursive: true });
    const verdict = await verify(image);
    expect(verdict).toMatchObject({ reason: 'plugin_missing', inconclusive: true });
    expect(verdict.message).toContain(
      join(directory, 'plugins', PLUGIN_NAME, `notation-${PLUGIN_NAME}`),
    );
  });
});

describe('a CRL', () => {
  it('is kept for verifiers to come', async () => {
    const { image, asked } = await openEvidenceHost(directory, 'crl', true);
    await verify(image);
    expect(await readdir(join(directory, 'crl'))).toHaveLength(1);
    expect((await verify(image)).reason).toBe('verified');
    expect(asked()).toBe(1);
  });
});

describe('an image whose signer is not trusted', () => {
  it.each([
    ['ocsp', 'failure_logged'],
    ['crl', 'failure_logged'],
    ['plugin', 'certificate_untrusted'],
  ])('asks nobody, at no level: %s', async (kind, audited) => {
    for (const [level, reason] of [
      ['strict', 'certificate_untrusted'],
      ['audit', audited],
    ] as const) {
      const signatureVerification = { level };
      const host = await openEvidenceHost(directory, kind, true, { signatureVerification });
      const root = join(directory, 'truststore/x509/ca/acme/root.pem');
      await writeFile(root, createCa({ name: 'Other' }).root.pem);
      expect((await verify(host.image)).reason).toBe(reason);
      expect(host.asked()).toBe(0);
    }
  });
});
