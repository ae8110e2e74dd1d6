// What the signatures of an image come to, fetched from a registry one by one.
import { describe, expect, it } from 'vitest';
import { AgentError, type ErrorCode } from '../../agent/errors.ts';
import type { RevocationStatus } from '../../agent/notation/revocation/status.ts';
import { JWS_MEDIA_TYPE } from '../../agent/notation/signature/envelope.ts';
import { MAX_ENVELOPE_BYTES } from '../../agent/notation/signature/decoded-envelope.ts';
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import { describeBytes, IMAGE_MANIFEST, SIGNATURE_TYPE } from '../support/registry.ts';
import { MEDIA_TYPES, signEnvelope } from '../support/sign-envelope.ts';
import {
  type Bench,
  ca,
  leaf,
  NOW,
  openBench,
  otherCa,
  PAST,
  REPOSITORY,
  revocationOf,
  trustIn,
} from './fixture.ts';

/** Lists a signature manifest that a registry does not have. */
function listMissing(bench: Bench, content = 'nothing'): void {
  const descriptor = describeBytes(Buffer.from(content), IMAGE_MANIFEST);
  const referrer = { ...descriptor, artifactType: SIGNATURE_TYPE };
  bench.registry.addReferrer(REPOSITORY, bench.image.digest, referrer);
}

/** Stores a manifest and lists it as a signature of the image. */
function listManifest({ registry, image }: Bench, manifest: object): void {
  const pushed = registry.pushManifest(REPOSITORY, manifest);
  registry.addReferrer(REPOSITORY, image.digest, { ...pushed, artifactType: SIGNATURE_TYPE });
}

/** Lists a signature manifest with layers of junk that are described as told. */
function listLayers(bench: Bench, layers: readonly Partial<Descriptor>[]): void {
  const junk = bench.registry.pushBlob(REPOSITORY, Buffer.from('junk'), MEDIA_TYPES.cose);
  listManifest(bench, {
    schemaVersion: 2,
    mediaType: IMAGE_MANIFEST,
    subject: bench.image,
    layers: layers.map((change) => ({ ...junk, ...change })),
    config: bench.registry.pushBlob(REPOSITORY, Buffer.from('{}'), SIGNATURE_TYPE),
  });
}

describe('an image', () => {
  it('without signatures is refused, and allowed once it is signed', async () => {
    const bench = await openBench();
    expect(await bench.decide()).toBe('deny signature_missing');
    bench.sign();
    expect(await bench.decide()).toBe('allow verified');
  });

  it('whose signature is for another image is refused at every level', async () => {
    const bench = await openBench();
    const other = bench.registry.pushImage(REPOSITORY, 'other', 'another image');
    bench.sign({ target: other });
    for (const level of ['strict', 'permissive', 'audit']) {
      const statement = { signatureVerification: { level } };
      expect(await bench.decide({ statement })).toBe('deny descriptor_mismatch');
    }
    const image = { name: bench.repository, descriptor: other };
    expect(await bench.decide({ image })).toBe('deny signature_missing');
  });

  it.each(['strict', 'permissive', 'audit'])(
    'without a signature that can be used is refused at level %s',
    async (level) => {
      const bench = await openBench();
      const statement = { signatureVerification: { level } };
      expect(await bench.decide({ statement })).toBe('deny signature_missing');
      listLayers(bench, [{}]);
      expect(await bench.decide({ statement })).toBe('deny envelope_invalid');
    },
  );

  it('is refused when the signature manifest listed for it belongs to another image', async () => {
    const bench = await openBench();
    const other = bench.registry.pushImage(REPOSITORY, 'other', 'another image');
    // The envelope itself is good: a registry that moves it must be found out all the same.
    const envelope = signEnvelope({ format: 'jws', signer: leaf, target: bench.image });
    const referrer = bench.registry.attachSignature(REPOSITORY, other, envelope, JWS_MEDIA_TYPE);
    bench.registry.addReferrer(REPOSITORY, bench.image.digest, referrer);
    const audit = { signatureVerification: { level: 'audit' } };
    expect(await bench.decide()).toBe('deny signature_manifest_invalid');
    expect(await bench.decide({ statement: audit })).toBe('deny signature_manifest_invalid');
  });

  it.each([
    ['by another CA', 'certificate_untrusted', { signer: otherCa.issue() }],
    ['that has expired', 'signature_expired', { expiry: PAST }],
    [
      'by a certificate that has expired',
      'certificate_expired',
      { signer: ca.issue({ notAfter: PAST }) },
    ],
    [
      'with a tampered payload',
      'signature_invalid',
      { tamper: () => ({ payload: Buffer.from('{}') }) },
    ],
  ])('with a signature %s is refused: %s', async (_, reason, changes) => {
    const bench = await openBench();
    const { digest } = bench.sign(changes);
    expect(await bench.verify()).toMatchObject({ decision: 'deny', reason, signature: digest });
    bench.sign();
    expect(await bench.decide()).toBe('allow verified');
  });

  it('signed by somebody else than the statement names is refused', async () => {
    const bench = await openBench();
    bench.sign();
    const decide = (name: string) =>
      bench.decide({ statement: { trustedIdentities: [`x509.subject: C=US,ST=WA,O=${name}`] } });
    expect(await decide('Example')).toBe('allow verified');
    expect(await decide('Exampl')).toBe('deny identity_untrusted');
  });

  it('signed under the scheme of signing authorities is trusted by their stores only', async () => {
    const bench = await openBench();
    const signer = ca.issue({ notAfter: PAST });
    const authenticSigningTime = new Date(PAST.getTime() - 1);
    bench.sign({ signer, scheme: 'notary.x509.signingAuthority', authenticSigningTime });
    const trust = trustIn({ 'ca:acme': ca.root, 'signingAuthority:acme': ca.root });
    const decide = (...trustStores: string[]) =>
      bench.decide({ statement: { trustStores }, parts: { trust } });
    expect(await decide('signingAuthority:acme')).toBe('allow verified');
    expect(await decide('ca:acme')).toBe('deny certificate_untrusted');
    expect(await decide('ca:acme', 'signingAuthority:acme')).toBe('allow verified');
  });

  it('whose signing certificate was revoked, or may have been, is refused unless the policy accepts that', async () => {
    const bench = await openBench();
    bench.sign({ signer: ca.issue({ ocspUrl: 'http://ocsp.example' }) });
    const decide = (status: RevocationStatus, signatureVerification: object) =>
      bench.decide({
        statement: { signatureVerification },
        parts: { evidence: revocationOf(status) },
      });
    const error = new AgentError('revocation_unreachable', 'nobody answers');
    const unknown: RevocationStatus = { kind: 'unknown', error };
    const revoked: RevocationStatus = { kind: 'revoked', at: NOW, source: 'ocsp' };
    const strict = { level: 'strict' };
    expect(await decide({ kind: 'good', source: 'ocsp' }, strict)).toBe('allow verified');
    expect(await decide(unknown, strict)).toBe('deny revocation_unreachable, inconclusive');
    expect(await decide(revoked, strict)).toBe('deny certificate_revoked');
    for (const status of [unknown, revoked]) {
      expect(await decide(status, { level: 'permissive' })).toBe('allow failure_logged');
      const skip = { level: 'strict', override: { revocation: 'skip' } };
      expect(await decide(status, skip)).toBe('allow verified');
    }
  });
});

describe('a bad signature before a good one does not hide it', () => {
  it.each<[string, ErrorCode, (bench: Bench) => void]>([
    ['by another CA', 'certificate_untrusted', (bench) => bench.sign({ signer: otherCa.issue() })],
    [
      'for another image',
      'descriptor_mismatch',
      (bench) => bench.sign({ target: { ...bench.image, size: 1 } }),
    ],
    ['that is junk', 'envelope_invalid', (bench) => listLayers(bench, [{}])],
    [
      'of an unknown format',
      'envelope_unsupported',
      (bench) => listLayers(bench, [{ mediaType: 'text/plain' }]),
    ],
    [
      'larger than any is',
      'content_too_large',
      (bench) => listLayers(bench, [{ size: MAX_ENVELOPE_BYTES + 1 }]),
    ],
    ['of another size', 'content_mismatch', (bench) => listLayers(bench, [{ size: 3 }])],
    ['of two envelopes', 'signature_manifest_invalid', (bench) => listLayers(bench, [{}, {}])],
    [
      'whose manifest is no JSON',
      'manifest_invalid',
      (bench) => listManifest(bench, Buffer.from('{')),
    ],
    ['that is not there', 'registry_not_found', (bench) => listMissing(bench)],
  ])('%s: %s', async (_, reason, addBad) => {
    const bench = await openBench();
    addBad(bench);
    expect(await bench.decide()).toBe(`deny ${reason}`);
    const { digest } = bench.sign();
    expect(await bench.verify()).toMatchObject({ reason: 'verified', signature: digest });
  });

  it('that cannot be fetched now', async () => {
    const bench = await openBench();
    const first = bench.sign({ format: 'cose' });
    bench.answerWith(503, `manifests/${first.digest}`);
    const denied = await bench.verify();
    expect(denied).toMatchObject({ reason: 'registry_failed', inconclusive: true });
    expect(denied.signature).toBe(first.digest);
    bench.sign();
    expect(await bench.decide()).toBe('allow verified');
  });
});

describe('several signatures of which none is good', () => {
  it('are reported by the one that came furthest', async () => {
    const bench = await openBench();
    bench.sign({ signer: otherCa.issue() });
    const { digest } = bench.sign({ expiry: PAST });
    bench.sign({ target: { ...bench.image, size: 1 } });
    listMissing(bench);
    const verdict = await bench.verify();
    expect(verdict).toMatchObject({ reason: 'signature_expired', signature: digest });
    expect(verdict.message).toMatch(/^none of 4 signatures is good; the closest: signature: /);
  });

  it('are inconclusive while one of them cannot be fetched', async () => {
    const bench = await openBench();
    bench.sign({ expiry: PAST });
    const late = bench.sign({ format: 'cose' });
    expect(await bench.decide()).toBe('allow verified');
    bench.answerWith(500, late.digest);
    expect(await bench.decide()).toBe('deny registry_failed, inconclusive');
  });
});

describe('more signatures than are looked at', () => {
  const limited = { client: { limits: { referrers: 2 } } };

  it('are told from bad ones, and do not matter once a good one was seen', async () => {
    const bench = await openBench(limited);
    for (const common of ['first', 'second']) bench.sign({ expiry: PAST, signingAgent: common });
    expect(await bench.decide()).toBe('deny signature_expired');
    bench.sign();
    expect(await bench.decide()).toBe('deny signature_limit_exceeded');
    const early = await openBench(limited);
    early.sign();
    for (const common of ['first', 'second']) early.sign({ expiry: PAST, signingAgent: common });
    expect(await early.decide()).toBe('allow verified');
  });

  it('leave a verdict inconclusive when one looked at could not be fetched', async () => {
    const bench = await openBench(limited);
    const first = bench.sign();
    for (const common of ['first', 'second']) bench.sign({ expiry: PAST, signingAgent: common });
    bench.answerWith(503, first.digest);
    expect(await bench.decide()).toBe('deny registry_failed, inconclusive');
  });

  it('are told when what comes first is of other types', async () => {
    const bench = await openBench({
      registry: { filters: false, pageSize: 1 },
      client: { limits: { referrersPages: 1 } },
    });
    const sbom = bench.registry.pushManifest(REPOSITORY, { schemaVersion: 2, note: 'an SBOM' });
    bench.registry.addReferrer(REPOSITORY, bench.image.digest, {
      ...sbom,
      artifactType: 'text/spdx',
    });
    expect(await bench.decide()).toBe('deny signature_missing');
    bench.sign();
    expect(await bench.decide()).toBe('deny signature_limit_exceeded');
  });
});
