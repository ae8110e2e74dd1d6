import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import {
  type FetchedSignature,
  verifySignature,
} from '../../../agent/notation/verification/signature.ts';
import { VALIDATION_TYPES } from '../../../agent/notation/verification/verdict.ts';
import { createCa, subjectNamed } from '../../support/ca.ts';
import type { EnvelopeOptions } from '../../support/sign-envelope.ts';
import {
  ARTIFACT,
  ca,
  contextOf,
  evidenceOf,
  NOW,
  outcomesOf,
  PAST,
  SIGNATURE_DIGEST,
  signatureOf,
  statementOf,
  trustIn,
} from './fixture.ts';

const AUDIT = statementOf({ signatureVerification: { level: 'audit' } });
const AUTHORITY = { scheme: 'notary.x509.signingAuthority' } as const;
const FORMATS = ['jws', 'cose'] as const;

describe.each(FORMATS)('a %s signature', (format) => {
  const outcomes = (options: Partial<EnvelopeOptions>, context = contextOf()) =>
    outcomesOf(signatureOf({ format, ...options }), context);

  it('passes every validation and names its signer', async () => {
    const evaluation = await verifySignature(signatureOf({ format }), contextOf(), evidenceOf());
    expect(evaluation).toMatchObject({
      signature: SIGNATURE_DIGEST,
      signer: 'CN=leaf,O=Example,ST=WA,C=US',
      results: VALIDATION_TYPES.map((type) => ({ type, action: 'enforce', outcome: 'passed' })),
    });
  });

  it.each(['digest', 'size', 'mediaType'] as const)(
    'made for an artifact of another %s fails integrity, also under audit',
    async (member) => {
      const other = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'text/plain' };
      const target = { ...ARTIFACT, [member]: other[member] };
      for (const statement of [statementOf(), AUDIT]) {
        const result = await outcomes({ target }, contextOf({ statement }));
        expect(result['integrity']).toBe('failed descriptor_mismatch');
        expect(result['authenticity']).toBe('skipped');
      }
    },
  );

  it('is bound by digest, size and media type alone, whatever else describes the artifact', async () => {
    const target = { ...ARTIFACT, annotations: { user: 'metadata' } };
    expect((await outcomes({ target }))['integrity']).toBe('passed');
  });

  it('whose signed bytes were changed fails integrity and names no signer, also under audit', async () => {
    const tamper: EnvelopeOptions['tamper'] = ({ payload }) => ({
      payload: Buffer.from(Buffer.from(payload).toString().replace('528', '529')),
    });
    const context = contextOf({ statement: AUDIT, artifact: { ...ARTIFACT, size: 529 } });
    const signature = signatureOf({ format, tamper });
    const { signer, results } = await verifySignature(signature, context, evidenceOf());
    expect(results[0]).toMatchObject({ outcome: 'failed', code: 'signature_invalid' });
    expect(signer).toBeNull();
  });

  it('expires at its expiry, not before', async () => {
    const at = (ms: number) =>
      outcomes({ expiry: NOW }, contextOf({ now: new Date(NOW.getTime() + ms) }));
    expect((await at(-1))['expiry']).toBe('passed');
    expect((await at(0))['expiry']).toBe('failed signature_expired');
  });
});

describe('integrity', () => {
  const integrity = async (changes: Partial<FetchedSignature>) =>
    (await outcomesOf({ ...signatureOf(), ...changes }, contextOf()))['integrity'];

  it('fails for bytes that are no envelope and for a type that is not of one', async () => {
    const { envelope } = signatureOf();
    expect(await integrity({})).toBe('passed');
    const truncated = envelope.subarray(0, -1);
    expect(await integrity({ envelope: truncated })).toBe('failed envelope_invalid');
    const mislabelled = { mediaType: 'application/cose' };
    expect(await integrity(mislabelled)).toBe('failed envelope_invalid');
    expect(await integrity({ mediaType: 'application/json' })).toBe('failed envelope_unsupported');
  });

  it.each(FORMATS)('never throws for what an envelope of format %s holds', async (format) => {
    const good = signatureOf({ format });
    const context = contextOf({ statement: AUDIT });
    await fc.assert(
      fc.asyncProperty(fc.nat(good.envelope.length - 1), fc.uint8Array(), async (at, bytes) => {
        const envelope = Buffer.from(good.envelope);
        envelope.set(bytes.subarray(0, envelope.length - at), at);
        const { results } = await verifySignature({ ...good, envelope }, context, evidenceOf());
        expect(results.map(({ type }) => type)).toEqual(VALIDATION_TYPES);
      }),
    );
  });
});

describe('authenticity', () => {
  const authenticity = async (
    options: Partial<EnvelopeOptions>,
    changes: Parameters<typeof contextOf>[0],
  ) => (await outcomesOf(signatureOf(options), contextOf(changes)))['authenticity'];

  it('asks for a certificate of the chain, not for one that has its name, nor its key', async () => {
    const sameName = createCa({ name: 'Namesake', root: { subject: subjectNamed('Test root') } });
    const sameKey = createCa();
    for (const { root } of [sameName, sameKey]) {
      const likeness = trustIn({ 'ca:acme': root });
      expect(await authenticity({}, { trust: likeness })).toBe('failed certificate_untrusted');
      const both = [...likeness, ...trustIn({ 'ca:more': ca.root })];
      expect(await authenticity({}, { trust: both })).toBe('passed');
    }
  });

  it('takes an intermediate certificate for an anchor', async () => {
    const deep = createCa({ name: 'Deep', intermediates: 1 });
    const signer = deep.issue();
    expect(await authenticity({ signer }, { trust: trustIn({ 'ca:acme': deep.issuer }) })).toBe(
      'passed',
    );
    expect(await authenticity({ signer }, {})).toBe('failed certificate_untrusted');
  });

  it('asks for a trusted identity, beside a trusted certificate', async () => {
    const identities = (...trustedIdentities: string[]) => ({
      statement: statementOf({ trustedIdentities }),
    });
    const subject = 'x509.subject: C=US,ST=WA,O=Example';
    expect(await authenticity({}, identities(subject))).toBe('passed');
    expect(await authenticity({}, identities(`${subject},CN=other`))).toBe(
      'failed identity_untrusted',
    );
    const signer = ca.issue({ subject: subjectNamed('other') });
    expect(await authenticity({ signer }, identities(`${subject},CN=other`))).toBe('passed');
  });

  it('has a trust store type for each signing scheme', async () => {
    const caOnly = { trust: trustIn({ 'ca:acme': ca.root }) };
    const authorityOnly = { trust: trustIn({ 'signingAuthority:acme': ca.root }) };
    expect(await authenticity({}, caOnly)).toBe('passed');
    expect(await authenticity({}, authorityOnly)).toBe('failed certificate_untrusted');
    expect(await authenticity(AUTHORITY, authorityOnly)).toBe('passed');
    expect(await authenticity(AUTHORITY, caOnly)).toBe('failed certificate_untrusted');
  });

  it('fails for the reason why a store of its type is not there, which a level may log', async () => {
    const missing = new AgentError('truststore_missing', 'no such store');
    const trust = [
      ...trustIn({ 'ca:acme': ca.root }),
      { name: 'ca:more', certificates: missing } as const,
    ];
    expect(await authenticity({}, { trust })).toBe('failed truststore_missing');
    const logged = await outcomesOf(signatureOf(), contextOf({ trust, statement: AUDIT }));
    expect(logged).toMatchObject({
      authenticity: 'failed truststore_missing',
      revocation: 'passed',
    });
  });
});

describe('validity', () => {
  const authenticTimestamp = async (
    options: Partial<EnvelopeOptions>,
    changes: Parameters<typeof contextOf>[0],
  ) => (await outcomesOf(signatureOf(options), contextOf(changes)))['authenticTimestamp'];

  const short = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: PAST };

  it('counts from the first to the last moment of every certificate', async () => {
    const signer = ca.issue({ notBefore: PAST, notAfter: NOW });
    const at = (now: Date, ms: number) =>
      authenticTimestamp({ signer }, { now: new Date(now.getTime() + ms) });
    expect(await at(PAST, -1)).toBe('failed certificate_expired');
    expect(await at(PAST, 0)).toBe('passed');
    expect(await at(NOW, 0)).toBe('passed');
    expect(await at(NOW, 1)).toBe('failed certificate_expired');
  });

  it('is that of the whole chain, not of the leaf alone', async () => {
    const aging = createCa({ name: 'Aging', root: short });
    const signer = aging.issue();
    const trust = trustIn({ 'ca:acme': aging.root });
    const at = (now: Date) => authenticTimestamp({ signer }, { trust, now });
    expect(await at(new Date('2026-03-01T00:00:00Z'))).toBe('passed');
    expect(await at(NOW)).toBe('failed certificate_expired');
  });

  it('is asked of the time that a signing authority vouches for, and of no claim of a signer', async () => {
    const signer = ca.issue(short);
    const trust = trustIn({ 'ca:acme': ca.root, 'signingAuthority:acme': ca.root });
    const outcome = (options: Partial<EnvelopeOptions>) =>
      authenticTimestamp({ signer, ...options }, { trust });
    expect(await outcome({ signingTime: PAST })).toBe('failed certificate_expired');
    expect(await outcome({ ...AUTHORITY, authenticSigningTime: PAST })).toBe('passed');
    expect(await outcome({ ...AUTHORITY, authenticSigningTime: NOW })).toBe(
      'failed certificate_expired',
    );
  });
});
