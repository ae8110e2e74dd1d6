// Certificates: what is read of good ones.
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Certificate, parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import { assemble } from '../../support/assemble-certificate.ts';
import { createCa } from '../../support/ca.ts';
import { mintCertificate } from '../../support/certificate.ts';
import {
  boolean,
  der,
  explicit,
  objectIdentifier,
  octetString,
  sequence,
} from '../../support/der.ts';

const parse = (bytes: Uint8Array): Certificate => parseCertificate(bytes, 'certificate');
const ca = createCa();
const leaf = ca.issue();

describe('parseCertificate', () => {
  it('reads what node:crypto reads', () => {
    const certificate = parse(leaf.der);
    const oracle = new X509Certificate(leaf.der);
    expect(certificate.raw).toEqual(leaf.der);
    expect(certificate.version).toBe(3);
    expect(Buffer.from(certificate.serialNumber).toString('hex').toUpperCase()).toBe(
      oracle.serialNumber,
    );
    expect(certificate.notBefore).toEqual(new Date(oracle.validFrom));
    expect(certificate.notAfter).toEqual(new Date(oracle.validTo));
    expect(certificate.publicKey.spki).toEqual(
      oracle.publicKey.export({ format: 'der', type: 'spki' }),
    );
    expect(certificate.subject.text.split(',').toReversed().join('\n')).toBe(oracle.subject);
    expect(certificate.issuer.text.split(',').toReversed().join('\n')).toBe(oracle.issuer);
    expect(certificate.issuer.raw).toEqual(ca.root.subject);
  });

  it('reads years beyond 2049', () => {
    const certificate = parse(mintCertificate({ notAfter: new Date('2050-01-02T03:04:05Z') }).der);
    expect(certificate.notAfter.toISOString()).toBe('2050-01-02T03:04:05.000Z');
  });

  it.each([
    ['rsa-2048', { type: 'rsa', modulusBits: 2048 }],
    ['rsa-3072', { type: 'rsa', modulusBits: 3072 }],
    ['p256', { type: 'ec', curve: 'P-256' }],
    ['p384', { type: 'ec', curve: 'P-384' }],
    ['p521', { type: 'ec', curve: 'P-521' }],
    ['p224', { type: 'unsupported', found: 'elliptic curve 1.3.132.0.33' }],
    ['ed25519', { type: 'unsupported', found: 'algorithm 1.3.101.112' }],
  ] as const)('tells a key of %s', (key, expected) => {
    expect(parse(ca.issue({ key }).der).publicKey).toMatchObject(expected);
  });

  it('reads the three extensions that count', () => {
    const { extensions } = parse(
      ca.issue({
        basicConstraints: { ca: true, pathLength: 3, critical: false },
        keyUsage: { usages: ['digitalSignature', 'cRLSign', 'decipherOnly'] },
        extendedKeyUsage: { oids: ['1.3.6.1.5.5.7.3.3', '1.2.3'], critical: true },
      }).der,
    );
    expect(extensions).toEqual({
      basicConstraints: { critical: false, ca: true, pathLength: 3 },
      keyUsage: {
        critical: true,
        usages: new Set(['digitalSignature', 'cRLSign', 'decipherOnly']),
      },
      extendedKeyUsage: { critical: true, purposes: new Set(['1.3.6.1.5.5.7.3.3', '1.2.3']) },
      namesOcsp: false,
      namesCrl: false,
      ocspAddresses: [],
      crlAddresses: [],
      hasFreshestCrl: false,
      hasOcspNoCheck: false,
      others: [],
    });
  });

  it('notices means of revocation', () => {
    const revocable = (options: object): object => parse(ca.issue(options).der).extensions;
    expect(revocable({})).toMatchObject({ namesOcsp: false, namesCrl: false });
    expect(revocable({ ocspUrl: 'http://ocsp' })).toMatchObject({
      namesOcsp: true,
      ocspAddresses: ['http://ocsp'],
    });
    expect(revocable({ crlUrl: 'http://crl' })).toMatchObject({
      namesCrl: true,
      crlAddresses: [['http://crl']],
    });
    const caIssuers = sequence(
      sequence(objectIdentifier('1.3.6.1.5.5.7.48.2'), der(0x86, Buffer.from('http://ca'))),
    );
    const access = { oid: '1.3.6.1.5.5.7.1.1', critical: false, value: caIssuers };
    expect(revocable({ extensions: [access] })).toMatchObject({ namesOcsp: false });
  });

  it('ignores other extensions, even critical ones', () => {
    const unknown = { oid: '1.2.3.4', critical: true, value: Buffer.from('no DER') };
    expect(parse(ca.issue({ extensions: [unknown] }).der).extensions.namesCrl).toBe(false);
  });

  it('reads a certificate of version 1', () => {
    const v1 = assemble({ version: undefined, extensions: undefined });
    expect(parse(v1)).toMatchObject({ version: 1, extensions: { namesOcsp: false } });
  });

  it('accepts FALSE where DER would leave it out, as some CAs write it', () => {
    const value = sequence(boolean(false));
    const extension = sequence(objectIdentifier('2.5.29.19'), boolean(false), octetString(value));
    const { extensions } = parse(assemble({ extensions: explicit(3, sequence(extension)) }));
    expect(extensions.basicConstraints).toEqual({ critical: false, ca: false });
  });
});
