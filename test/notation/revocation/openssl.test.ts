import { describe, expect, it } from 'vitest';
import { crlStatus, verifyCrl } from '../../../agent/notation/revocation/crl.ts';
import { encodeOcspRequest } from '../../../agent/notation/revocation/ocsp-request.ts';
import { ocspStatus, verifyOcspResponse } from '../../../agent/notation/revocation/ocsp.ts';
import type { RevocationStatus } from '../../../agent/notation/revocation/status.ts';
import { createCa } from '../../support/ca.ts';
import type { TestCertificate } from '../../support/certificate.ts';
import { expectCode } from '../../support/expect-code.ts';
import { mintOcspDelegate } from '../../support/ocsp.ts';
import { openOpensslCa } from '../../support/ocsp-openssl.ts';
import { issuedBy, parsed } from './fixture.ts';

// openssl answers for the time that it is.
const NOW = new Date();
const AT = new Date('2025-06-01T00:00:00Z');
const ADDRESS = 'http://crl.example/1.crl';

describe.each(['p256', 'p384', 'rsa-2048'] as const)('openssl, with a CA of %s', (key) => {
  const ca = createCa({ name: `openssl ${key}`, key });
  const [valid, revoked, held] = [ca.issue(), ca.issue(), ca.issue()];

  function openEntered() {
    const openssl = openOpensslCa(ca.issuer);
    openssl.enter(valid);
    openssl.enter(revoked, { at: AT, reason: 'keyCompromise' });
    openssl.enter(held, { at: AT, reason: 'holdInstruction,holdInstructionReject' });
    return openssl;
  }

  function answered(
    leaf: TestCertificate,
    signer = ca.issuer,
    ...options: string[]
  ): RevocationStatus {
    const issued = issuedBy(ca.issuer, leaf);
    const request = encodeOcspRequest(issued);
    const response = openEntered().answer(request, signer, '-ndays', '1', ...options);
    return ocspStatus(verifyOcspResponse(response, issued, NOW, 'it'), undefined, 'it');
  }

  it('understands what it is asked, and says what is so', () => {
    expect(answered(valid)).toMatchObject({ kind: 'good', source: 'ocsp' });
    expect(answered(revoked)).toMatchObject({ kind: 'revoked', at: AT, source: 'ocsp' });
    expect(answered(held)).toMatchObject({ kind: 'revoked' });
    expect(answered(ca.issue())).toMatchObject({ kind: 'unknown' });
  });

  it('may answer by a delegate, and name it by key', () => {
    const delegate = mintOcspDelegate(ca.issuer);
    expect(answered(valid, delegate).kind).toBe('good');
    expect(answered(valid, delegate, '-resp_key_id', '-rmd', 'sha512').kind).toBe('good');
    const other = mintOcspDelegate(ca.issuer, { extendedKeyUsage: null });
    expectCode(() => answered(valid, other), 'revocation_evidence_invalid');
  });

  it('must not sign over SHA-1, nor leave out until when', () => {
    expectCode(() => answered(valid, ca.issuer, '-rmd', 'sha1'), 'revocation_evidence_invalid');
    const issued = issuedBy(ca.issuer, valid);
    const response = openEntered().answer(encodeOcspRequest(issued), ca.issuer);
    expectCode(
      () => verifyOcspResponse(response, issued, NOW, 'it'),
      'revocation_evidence_invalid',
    );
  });

  it.each([
    ['version 1', {}],
    ['version 2', { authorityKeyIdentifier: 'issuer:always' }],
    [
      'a distribution point',
      { issuingDistributionPoint: `critical,@point\n[point]\nfullname = URI:${ADDRESS}` },
    ],
  ])('lists what is revoked, in CRLs of %s', (_, extensions) => {
    const list = verifyCrl(openEntered().list(extensions), parsed(ca.issuer), NOW, 'CRL');
    const lists = { base: list, delta: undefined, addresses: [ADDRESS] };
    const statusOf = (leaf: TestCertificate) =>
      crlStatus(lists, issuedBy(ca.issuer, leaf), undefined);
    expect(statusOf(valid)).toMatchObject({ kind: 'good', source: 'crl' });
    expect(statusOf(revoked)).toMatchObject({ kind: 'revoked', at: AT, source: 'crl' });
    expect(statusOf(held)).toMatchObject({ kind: 'revoked' });
  });

  it('may list nothing', () => {
    const list = verifyCrl(openOpensslCa(ca.issuer).list(), parsed(ca.issuer), NOW, 'CRL');
    expect(list.entries.find(Buffer.of(1))).toEqual([]);
  });

  it('may limit a list to some certificates', () => {
    const extensions = { issuingDistributionPoint: 'critical,@point\n[point]\nonlyCA = TRUE' };
    const base = verifyCrl(openEntered().list(extensions), parsed(ca.issuer), NOW, 'CRL');
    const lists = { base, delta: undefined, addresses: [ADDRESS] };
    expectCode(() => crlStatus(lists, issuedBy(ca.issuer, valid), undefined), 'revocation_unknown');
  });
});
