import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import { verifySignature } from '../../../agent/notation/verification/signature.ts';
import { VALIDATION_TYPES } from '../../../agent/notation/verification/verdict.ts';
import { createCa, createSelfSigned, subjectNamed } from '../../support/ca.ts';
import type { EnvelopeOptions } from '../../support/sign-envelope.ts';
import {
  ARTIFACT,
  ca,
  contextOf,
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

  it('passes every validation and names its signer', () => {
    expect(verifySignature(signatureOf({ format }), contextOf())).toMatchObject({
      signature: SIGNATURE_DIGEST,
      signer: 'CN=leaf,O=Example,ST=WA,C=US',
      results: VALIDATION_TYPES.map((type) => ({ type, action: 'enforce', outcome: 'passed' })),
    });
  });

  it.each(['digest', 'size', 'mediaType'] as const)(
    'made for an artifact of another %s fails integrity, also under audit',
    (member) => {
      const other = { digest: `sha256:${'0'.repeat(64)}`, size: 1, mediaType: 'text/plain' };
      const target = { ...ARTIFACT, [member]: other[member] };
      for (const statement of [statementOf(), AUDIT]) {
        const result = outcomes({ target }, contextOf({ statement }));
        expect(result['integrity']).toBe('failed descriptor_mismatch');
        expect(result['authenticity']).toBe('skipped');
      }
    },
  );

  it('is bound by digest, size and media type alone, whatever else describes the artifact', () => {
    const target = { ...ARTIFACT, annotations: { user: 'metadata' } };
    expect(outcomes({ target })['integrity']).toBe('passed');
  });

  it('whose signed bytes were changed fails integrity and names no signer, also under audit', () => {
    const tamper: EnvelopeOptions['tamper'] = ({ payload }) => ({
      payload: Buffer.from(Buffer.from(payload).toString().replace('528', '529')),
    });
    const context = contextOf({ statement: AUDIT, artifact: { ...ARTIFACT, size: 529 } });
    const { signer, results } = verifySignature(signatureOf({ format, tamper }), context);
    expect(results[0]).toMatchObject({ outcome: 'failed', code: 'signature_invalid' });
    expect(signer).toBeNull();
  });

  it('that needs a verification plugin fails integrity, also under audit', () => {
    const plugin = 'io.cncf.notary.verificationPlugin';
    const options = {
      attributes: new Map([[plugin, 'com.example.plugin']]),
      crit: ['io.cncf.notary.signingScheme', plugin],
    };
    const result = outcomes(options, contextOf({ statement: AUDIT }));
    expect(result['integrity']).toBe('failed plugin_unsupported');
  });

  it('expires at its expiry, not before', () => {
    const at = (ms: number) =>
      outcomes({ expiry: NOW }, contextOf({ now: new Date(NOW.getTime() + ms) }))['expiry'];
    expect(at(-1)).toBe('passed');
    expect(at(0)).toBe('failed signature_expired');
  });
});

describe('integrity', () => {
  it('fails for bytes that are no envelope and for a type that is not of one', () => {
    const envelope = signatureOf();
    const truncated = { ...envelope, envelope: envelope.envelope.subarray(0, -1) };
    expect(outcomesOf(truncated, contextOf())['integrity']).toBe('failed envelope_invalid');
    const mislabelled = { ...envelope, mediaType: 'application/cose' };
    expect(outcomesOf(mislabelled, contextOf())['integrity']).toBe('failed envelope_invalid');
    const unknown = { ...envelope, mediaType: 'application/json' };
    expect(outcomesOf(unknown, contextOf())['integrity']).toBe('failed envelope_unsupported');
  });

  it.each(FORMATS)('never throws for what an envelope of format %s holds', (format) => {
    const good = signatureOf({ format });
    const context = contextOf({ statement: AUDIT });
    fc.assert(
      fc.property(fc.nat(good.envelope.length - 1), fc.uint8Array(), (at, bytes) => {
        const envelope = Buffer.from(good.envelope);
        envelope.set(bytes.subarray(0, envelope.length - at), at);
        const { results } = verifySignature({ ...good, envelope }, context);
        expect(results.map(({ type }) => type)).toEqual(VALIDATION_TYPES);
      }),
    );
  });
});

describe('authenticity', () => {
  const authenticity = (
    options: Partial<EnvelopeOptions>,
    changes: Parameters<typeof contextOf>[0],
  ) => outcomesOf(signatureOf(options), contextOf(changes))['authenticity'];

  it('asks for a certificate of the chain, not for one that has its name, nor its key', () => {
    const sameName = createCa({ name: 'Namesake', root: { subject: subjectNamed('Test root') } });
    const sameKey = createCa();
    for (const { root } of [sameName, sameKey]) {
      const likeness = trustIn({ 'ca:acme': root });
      expect(authenticity({}, { trust: likeness })).toBe('failed certificate_untrusted');
      const both = [...likeness, ...trustIn({ 'ca:more': ca.root })];
      expect(authenticity({}, { trust: both })).toBe('passed');
    }
  });

  it('takes an intermediate certificate for an anchor', () => {
    const deep = createCa({ name: 'Deep', intermediates: 1 });
    const signer = deep.issue();
    expect(authenticity({ signer }, { trust: trustIn({ 'ca:acme': deep.issuer }) })).toBe('passed');
    expect(authenticity({ signer }, {})).toBe('failed certificate_untrusted');
  });

  it('asks for a trusted identity, beside a trusted certificate', () => {
    const identities = (...trustedIdentities: string[]) => ({
      statement: statementOf({ trustedIdentities }),
    });
    const subject = 'x509.subject: C=US,ST=WA,O=Example';
    expect(authenticity({}, identities(subject))).toBe('passed');
    expect(authenticity({}, identities(`${subject},CN=other`))).toBe('failed identity_untrusted');
    const signer = ca.issue({ subject: subjectNamed('other') });
    expect(authenticity({ signer }, identities(`${subject},CN=other`))).toBe('passed');
  });

  it('has a trust store type for each signing scheme', () => {
    const caOnly = { trust: trustIn({ 'ca:acme': ca.root }) };
    const authorityOnly = { trust: trustIn({ 'signingAuthority:acme': ca.root }) };
    expect(authenticity({}, caOnly)).toBe('passed');
    expect(authenticity({}, authorityOnly)).toBe('failed certificate_untrusted');
    expect(authenticity(AUTHORITY, authorityOnly)).toBe('passed');
    expect(authenticity(AUTHORITY, caOnly)).toBe('failed certificate_untrusted');
  });

  it('fails for the reason why there is no trust, which a level may log', () => {
    const trust = new AgentError('truststore_missing', 'no such store');
    expect(authenticity({}, { trust })).toBe('failed truststore_missing');
    const logged = outcomesOf(signatureOf(), contextOf({ trust, statement: AUDIT }));
    expect(logged).toMatchObject({
      authenticity: 'failed truststore_missing',
      revocation: 'passed',
    });
  });
});

describe('validity', () => {
  const short = { notBefore: new Date('2026-01-01T00:00:00Z'), notAfter: PAST };

  it('counts from the first to the last moment of every certificate', () => {
    const signer = ca.issue({ notBefore: PAST, notAfter: NOW });
    const at = (now: Date, ms: number) =>
      outcomesOf(signatureOf({ signer }), contextOf({ now: new Date(now.getTime() + ms) }))[
        'authenticTimestamp'
      ];
    expect(at(PAST, -1)).toBe('failed certificate_expired');
    expect(at(PAST, 0)).toBe('passed');
    expect(at(NOW, 0)).toBe('passed');
    expect(at(NOW, 1)).toBe('failed certificate_expired');
  });

  it('is that of the whole chain, not of the leaf alone', () => {
    const aging = createCa({ name: 'Aging', root: short });
    const signature = signatureOf({ signer: aging.issue() });
    const trust = trustIn({ 'ca:acme': aging.root });
    const at = (now: Date) =>
      outcomesOf(signature, contextOf({ trust, now }))['authenticTimestamp'];
    expect(at(new Date('2026-03-01T00:00:00Z'))).toBe('passed');
    expect(at(NOW)).toBe('failed certificate_expired');
  });

  it('is asked of the time that a signing authority vouches for, and of no claim of a signer', () => {
    const signer = ca.issue(short);
    const trust = trustIn({ 'ca:acme': ca.root, 'signingAuthority:acme': ca.root });
    const outcome = (options: Partial<EnvelopeOptions>) =>
      outcomesOf(signatureOf({ signer, ...options }), contextOf({ trust }))['authenticTimestamp'];
    expect(outcome({ signingTime: PAST })).toBe('failed certificate_expired');
    expect(outcome({ ...AUTHORITY, authenticSigningTime: PAST })).toBe('passed');
    expect(outcome({ ...AUTHORITY, authenticSigningTime: NOW })).toBe('failed certificate_expired');
  });

  it('does not rest on a timestamp countersignature, which is not verified', () => {
    const timestampToken = Buffer.from('a token');
    const signature = signatureOf({ signer: ca.issue(short), timestampToken });
    expect(outcomesOf(signature, contextOf())['authenticTimestamp']).toBe(
      'failed certificate_expired',
    );
  });
});

describe('revocation', () => {
  it('cannot be told of any certificate but the root that names a responder or a list', () => {
    const outcome = (options: Parameters<typeof createCa>[0]) => {
      const authority = createCa(options);
      const trust = trustIn({ 'ca:acme': authority.root });
      return outcomesOf(signatureOf({ signer: authority.issue() }), contextOf({ trust }))[
        'revocation'
      ];
    };
    const crlUrl = 'http://crl.example/1';
    expect(outcome({ name: 'R1', root: { crlUrl } })).toBe('passed');
    expect(outcome({ name: 'R2', intermediates: 1, intermediate: { crlUrl } })).toBe(
      'inconclusive revocation_unsupported',
    );
  });

  it('cannot be told of a self-signed signing certificate that names one', () => {
    const outcome = (ocspUrl?: string) => {
      const signer = createSelfSigned(ocspUrl === undefined ? {} : { ocspUrl });
      return outcomesOf(
        signatureOf({ signer }),
        contextOf({ trust: trustIn({ 'ca:me': signer }) }),
      )['revocation'];
    };
    expect(outcome()).toBe('passed');
    expect(outcome('http://ocsp.example')).toBe('inconclusive revocation_unsupported');
  });
});
