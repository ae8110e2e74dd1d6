// Where certificates say that their revocation is told.
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import type { CertificateExtensions } from '../../../agent/notation/x509/extensions.ts';
import { mintCertificate } from '../../support/certificate.ts';
import {
  bitString,
  der,
  explicit,
  nullValue,
  objectIdentifier,
  sequence,
} from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';

const OCSP = '1.3.6.1.5.5.7.48.1';
const CA_ISSUERS = '1.3.6.1.5.5.7.48.2';

const uri = (text: string): Buffer => der(0x86, Buffer.from(text, 'latin1'));
const directoryName = explicit(4, sequence());
const description = (method: string, ...location: readonly Buffer[]): Buffer =>
  sequence(objectIdentifier(method), ...location);
const fullName = (...names: readonly Buffer[]): Buffer => explicit(0, explicit(0, ...names));

function read(oid: string, value: Uint8Array): CertificateExtensions {
  const certificate = mintCertificate({ extensions: [{ oid, critical: false, value }] });
  return parseCertificate(certificate.der, 'certificate').extensions;
}
const access = (value: Uint8Array): CertificateExtensions => read('1.3.6.1.5.5.7.1.1', value);
const points = (value: Uint8Array): CertificateExtensions => read('2.5.29.31', value);

describe('authority information access', () => {
  it('names responders in order, as written, among other things', () => {
    const { namesOcsp, ocspAddresses } = access(
      sequence(
        description(OCSP, uri('http://one.example/a%20b')),
        description(CA_ISSUERS, uri('http://ca.example/ca.crt')),
        description(OCSP, uri('LDAP:anything')),
      ),
    );
    expect(namesOcsp).toBe(true);
    expect(ocspAddresses).toEqual(['http://one.example/a%20b', 'LDAP:anything']);
  });

  it('may name one that has no address', () => {
    const value = sequence(description(OCSP, directoryName));
    expect(access(value)).toMatchObject({ namesOcsp: true, ocspAddresses: [] });
  });

  it('may name none', () => {
    const value = sequence(description(CA_ISSUERS, uri('http://ca.example')));
    expect(access(value)).toMatchObject({ namesOcsp: false, ocspAddresses: [] });
  });

  it.each([
    ['of another type', nullValue()],
    ['with bytes after it', Buffer.concat([sequence(), nullValue()])],
    ['without a location', sequence(description(OCSP))],
    ['with two locations', sequence(description(OCSP, uri('http://a'), uri('http://b')))],
    ['with an address that is not ASCII', sequence(description(OCSP, uri('http://\xe9')))],
  ])('%s makes the certificate malformed', (_, value) => {
    expectCode(() => access(value), 'certificate_invalid');
  });
});

describe('CRL distribution points', () => {
  it('each name their addresses in order', () => {
    const { namesCrl, crlAddresses } = points(
      sequence(
        sequence(fullName(uri('http://a.example/1'), directoryName, uri('http://b.example/1'))),
        sequence(fullName(uri('http://a.example/2'))),
      ),
    );
    expect(namesCrl).toBe(true);
    expect(crlAddresses).toEqual([
      ['http://a.example/1', 'http://b.example/1'],
      ['http://a.example/2'],
    ]);
  });

  it('may name reasons and an issuer besides', () => {
    const reasons = Buffer.from(bitString(Buffer.of(0x40), 6));
    reasons[0] = 0x81;
    const point = sequence(fullName(uri('http://a.example')), reasons, explicit(2, directoryName));
    expect(points(sequence(point)).crlAddresses).toEqual([['http://a.example']]);
  });

  it.each([
    ['a name relative to the issuer', sequence(explicit(0, explicit(1)))],
    ['an issuer only', sequence(explicit(2, directoryName))],
    ['a directory name', sequence(fullName(directoryName))],
  ])('may have no address but %s', (_, point) => {
    expect(points(sequence(point))).toMatchObject({ namesCrl: true, crlAddresses: [[]] });
  });

  it.each([
    ['of another type', nullValue()],
    ['with bytes after them', Buffer.concat([sequence(), nullValue()])],
    ['with an unknown member', sequence(sequence(nullValue()))],
    ['with an address that is not ASCII', sequence(sequence(fullName(uri('http://\xe9'))))],
  ])('%s make the certificate malformed', (_, value) => {
    expectCode(() => points(value), 'certificate_invalid');
  });
});

describe('other extensions', () => {
  it('are noticed, critical or not, and two of them by name', () => {
    const extensions = [
      { oid: '2.5.29.46', critical: false, value: sequence() },
      { oid: OCSP + '.5', critical: false, value: nullValue() },
      { oid: '1.2.3', critical: true, value: nullValue() },
    ];
    const { der: bytes } = mintCertificate({ extensions });
    expect(parseCertificate(bytes, 'certificate').extensions).toMatchObject({
      hasFreshestCrl: true,
      hasOcspNoCheck: true,
      others: extensions.map(({ oid, critical }) => ({ oid, critical })),
    });
  });
});
