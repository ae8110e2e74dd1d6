import { describe, expect, it } from 'vitest';
import { ocspStatus, verifyOcspResponse } from '../../../agent/notation/revocation/ocsp.ts';
import { createCa } from '../../support/ca.ts';
import type { CertificateOptions } from '../../support/certificate.ts';
import { integer, nullValue, sequence } from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';
import { testKey } from '../../support/keys.ts';
import {
  mintOcspDelegate,
  mintOcspResponse,
  ocspError,
  type OcspOptions,
} from '../../support/ocsp.ts';
import { CA, hoursFromNow, issuedBy, NOW, OTHER_CA, parsed } from './fixture.ts';

const ISSUER = CA.issuer;
const LEAF = CA.issue();
const ISSUED = issuedBy(ISSUER, LEAF);
const SKEW_HOURS = 5 / 60;
const UNKNOWN_CRITICAL = { oid: '1.3.6.1.4.1.99999.1', critical: true, value: nullValue() };

function verify(options: OcspOptions = {}) {
  const response = mintOcspResponse(LEAF, ISSUER, { now: NOW, ...options });
  return verifyOcspResponse(response, ISSUED, NOW, 'OCSP response');
}

function invalid(options: OcspOptions): string {
  return expectCode(() => verify(options), 'revocation_evidence_invalid').message;
}

describe('an OCSP response', () => {
  it('of the issuer says that a certificate is good', () => {
    const answer = verify();
    expect(answer).toMatchObject({ status: { kind: 'good' }, uncheckedDelegate: undefined });
    expect(answer.validUntil).toEqual(hoursFromNow(1));
    expect(ocspStatus(answer, undefined, 'it')).toMatchObject({ kind: 'good', source: 'ocsp' });
  });

  it.each([undefined, 0, 1, 6])('says that one is revoked, for reason %s', (reason) => {
    const at = new Date('2026-02-01T00:00:00Z');
    const answer = verify({
      status: 'revoked',
      revokedAt: at,
      ...(reason === undefined ? {} : { reason }),
    });
    expect(ocspStatus(answer, undefined, 'it')).toMatchObject({
      kind: 'revoked',
      at,
      source: 'ocsp',
    });
  });

  it('says that the responder does not know it', () => {
    const status = ocspStatus(verify({ status: 'unknown' }), undefined, 'it');
    expect(status).toMatchObject({ kind: 'unknown', error: { code: 'revocation_unknown' } });
  });

  it.each([1, 2, 3, 5, 6, 99])('says with status %i that there is no answer', (status) => {
    expectCode(
      () => verifyOcspResponse(ocspError(status), ISSUED, NOW, 'it'),
      'revocation_unknown',
    );
  });

  it('may name its signer by key, and the certificate by SHA-256', () => {
    expect(verify({ responderBy: 'key', hash: 'sha256' }).status.kind).toBe('good');
    expect(invalid({ hash: 'sha512' })).toContain('expected one answer');
  });

  it.each([
    ['another serial number', { serialNumber: 4711n }],
    ['the name of another issuer', { nameOf: OTHER_CA.issuer }],
    ['the key of another issuer', { keyOf: OTHER_CA.issuer }],
    ['the same certificate twice', { answers: 2 }],
    ['no certificate', { answers: 0 }],
  ] satisfies [string, OcspOptions][])('is refused when it is for %s', (_, options) => {
    expect(invalid(options)).toContain('expected one answer');
  });

  it('is refused when it comes from the future, but for what clocks differ', () => {
    expect(verify({ thisUpdate: hoursFromNow(SKEW_HOURS) }).status.kind).toBe('good');
    expect(invalid({ thisUpdate: hoursFromNow(SKEW_HOURS + 0.1) })).toContain('this update');
    expect(verify({ producedAt: hoursFromNow(SKEW_HOURS) }).status.kind).toBe('good');
    expect(invalid({ producedAt: hoursFromNow(SKEW_HOURS + 0.1) })).toContain('produced at');
  });

  it('is refused once its next update has passed, and without one', () => {
    expect(verify({ nextUpdate: NOW }).status.kind).toBe('good');
    expect(invalid({ nextUpdate: hoursFromNow(-0.01) })).toContain('next update');
    expect(invalid({ nextUpdate: null })).toContain('expected a next update, found none');
  });

  it('may have extensions, if those that it does not understand are not critical', () => {
    const harmless = { ...UNKNOWN_CRITICAL, critical: false };
    expect(verify({ answerExtensions: [harmless] }).status.kind).toBe('good');
    expect(verify({ responseExtensions: [harmless] }).status.kind).toBe('good');
    expect(invalid({ answerExtensions: [UNKNOWN_CRITICAL] })).toContain('critical');
    expect(invalid({ responseExtensions: [UNKNOWN_CRITICAL] })).toContain('critical');
    expect(invalid({ answerExtensions: [harmless, harmless] })).toContain('once');
  });
});

describe('the invalidity date', () => {
  const options = { status: 'revoked', invalidityDate: hoursFromNow(-10) } as const;

  it.each([
    ['good', -11],
    ['revoked', -10],
    ['revoked', -9],
  ])('leaves a certificate %s that signed %i hours ago, by an authority', (kind, hours) => {
    expect(ocspStatus(verify(options), hoursFromNow(hours), 'it').kind).toBe(kind);
  });

  it('counts only with the time of an authority, and only if it is there', () => {
    expect(ocspStatus(verify(options), undefined, 'it').kind).toBe('revoked');
    const without = verify({ status: 'revoked' });
    expect(ocspStatus(without, hoursFromNow(-10_000), 'it').kind).toBe('revoked');
  });
});

describe('the signature of an OCSP response', () => {
  it.each(['rsa-sha256', 'rsa-sha384', 'rsa-sha512', 'pss-sha256', 'pss-sha512'] as const)(
    'may be %s',
    (signature) => {
      const ca = createCa({ name: 'RSA', key: 'rsa-2048' });
      const leaf = ca.issue();
      const response = mintOcspResponse(leaf, ca.issuer, { now: NOW, signature });
      const answer = verifyOcspResponse(response, issuedBy(ca.issuer, leaf), NOW, 'it');
      expect(answer.status.kind).toBe('good');
    },
  );

  it('must not be over SHA-1', () => {
    const { cause, message } = expectCode(
      () => verify({ signature: 'ecdsa-sha1' }),
      'revocation_evidence_invalid',
    );
    expect(message).toContain('expected RSA, RSA-PSS or ECDSA');
    expect(cause).toMatchObject({ code: 'algorithm_unsupported' });
  });

  it('must be of the issuer that it names', () => {
    expect(invalid({ signer: OTHER_CA.issuer, certificates: [] })).toContain('signature');
    const forged = { ...ISSUER, key: testKey('p256', 'forger') };
    expect(invalid({ signer: forged, certificates: [] })).toContain('signature');
  });

  it('covers every byte that counts', () => {
    const response = mintOcspResponse(LEAF, ISSUER, { now: NOW, status: 'revoked' });
    response.write('2024', response.indexOf('20250601'), 'latin1');
    const { message } = expectCode(
      () => verifyOcspResponse(response, ISSUED, NOW, 'it'),
      'revocation_evidence_invalid',
    );
    expect(message).toContain('expected the signature');
  });
});

describe('a delegate of the issuer', () => {
  const sign = (options: CertificateOptions = {}, rest: OcspOptions = {}) => ({
    signer: mintOcspDelegate(ISSUER, options),
    ...rest,
  });

  it('may answer, named by its name or its key', () => {
    expect(verify(sign())).toMatchObject({
      status: { kind: 'good' },
      uncheckedDelegate: undefined,
    });
    expect(verify(sign({}, { responderBy: 'key' })).status.kind).toBe('good');
  });

  it('may come along with the issuer, in any order', () => {
    const signer = mintOcspDelegate(ISSUER);
    const certificates = [ISSUER.der, signer.der];
    expect(verify({ signer, certificates }).status.kind).toBe('good');
  });

  it('may have the name of the issuer', () => {
    const signer = mintOcspDelegate(ISSUER, { subjectDer: ISSUER.subject });
    expect(verify({ signer }).status.kind).toBe('good');
  });

  it('must be sent along', () => {
    expect(invalid(sign({}, { certificates: [] }))).toContain('or of a delegate');
  });

  it.each([
    ['no extended key usage', { extendedKeyUsage: null }],
    ['code signing only', { extendedKeyUsage: { oids: ['1.3.6.1.5.5.7.3.3'] } }],
    ['any extended key usage', { extendedKeyUsage: { oids: ['2.5.29.37.0'] } }],
  ] satisfies [string, CertificateOptions][])('must be for OCSP, not have %s', (_, options) => {
    expect(invalid(sign(options))).toContain('OCSPSigning');
  });

  it('must have been issued by the issuer itself', () => {
    expect(invalid({ signer: mintOcspDelegate(OTHER_CA.issuer) })).toContain('issued by');
    const signingKey = testKey('p256', 'forger');
    expect(invalid(sign({ signingKey }))).toContain('issued by');
  });

  it('must be valid now', () => {
    expect(verify(sign({ notBefore: NOW, notAfter: NOW })).status.kind).toBe('good');
    expect(invalid(sign({ notAfter: hoursFromNow(-1) }))).toContain('valid at');
    expect(invalid(sign({ notBefore: hoursFromNow(1) }))).toContain('valid at');
  });

  it('must be allowed to sign, by a key that is strong enough', () => {
    expect(verify(sign({ keyUsage: null })).status.kind).toBe('good');
    expect(invalid(sign({ keyUsage: { usages: ['keyAgreement'] } }))).toContain('digitalSignature');
    expect(invalid(sign({ key: testKey('rsa-1024', 'weak') }))).toContain('signature');
    expect(invalid(sign({ signature: 'ecdsa-sha1' }))).toContain('expected RSA');
  });

  it('must not have a critical extension that is not understood', () => {
    expect(invalid(sign({ extensions: [UNKNOWN_CRITICAL] }))).toContain('1.3.6.1.4.1.99999.1');
  });

  it('ends its answer with its own end', () => {
    const notAfter = hoursFromNow(0.5);
    expect(verify(sign({ notAfter })).validUntil).toEqual(notAfter);
  });

  it('is left to be checked itself if it has no nocheck and can be revoked', () => {
    const crlUrl = 'http://crl.example/1.crl';
    const signer = mintOcspDelegate(ISSUER, { extensions: [], crlUrl });
    expect(verify({ signer }).uncheckedDelegate?.raw).toEqual(parsed(signer).raw);
    expect(verify(sign({ crlUrl })).uncheckedDelegate).toBeUndefined();
    expect(verify(sign({ extensions: [] })).uncheckedDelegate).toBeUndefined();
  });

  it('is one of eight at most', () => {
    const signer = mintOcspDelegate(ISSUER);
    const certificates = Array.from({ length: 8 }, () => signer.der);
    expect(verify({ signer, certificates }).status.kind).toBe('good');
    expect(invalid({ signer, certificates: [...certificates, signer.der] })).toContain('at most 8');
  });

  it('makes the answer unusable if its certificate is malformed', () => {
    const certificates = [sequence(integer(1))];
    expect(invalid({ certificates })).toContain('certificate 1: to be signed');
  });
});
