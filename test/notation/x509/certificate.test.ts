// Certificates: what is read, and that anything malformed is refused.
import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Certificate,
  MAX_CERTIFICATE_BYTES,
  parseCertificate,
} from '../../../agent/notation/x509/certificate.ts';
import { createCa, subjectNamed } from '../../support/ca.ts';
import { algorithmIdentifier } from '../../support/certificate-signature.ts';
import { mintCertificate, name } from '../../support/certificate.ts';
import {
  bitString,
  boolean,
  der,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  printableString,
  sequence,
  set,
  time,
  utf8String,
} from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';
import { testKey } from '../../support/keys.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';

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
    ['secp256k1', { type: 'unsupported', found: 'elliptic curve 1.3.132.0.10' }],
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
    });
  });

  it('notices means of revocation', () => {
    const revocable = (options: object): object => parse(ca.issue(options).der).extensions;
    expect(revocable({})).toMatchObject({ namesOcsp: false, namesCrl: false });
    expect(revocable({ ocspUrl: 'http://ocsp' })).toMatchObject({ namesOcsp: true });
    expect(revocable({ crlUrl: 'http://crl' })).toMatchObject({ namesCrl: true });
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

/** A certificate put together field by field; its signature is not a good one. */
function assemble(fields: Partial<Record<Field, Buffer | undefined>> = {}): Buffer {
  const good: Record<Field, Buffer> = {
    version: explicit(0, integer(2)),
    serialNumber: integer(1),
    algorithm: algorithmIdentifier('ecdsa-sha256'),
    issuer: name(subjectNamed('issuer')),
    validity: sequence(time(new Date(0)), time(new Date(0))),
    subject: name(subjectNamed('subject')),
    publicKey: testKey('p256').publicKey.export({ format: 'der', type: 'spki' }),
    uniqueId: Buffer.alloc(0),
    extensions: explicit(3, sequence(extensionOf('2.5.29.19', sequence()))),
    outerAlgorithm: algorithmIdentifier('ecdsa-sha256'),
    signature: bitString(Buffer.alloc(70)),
    trailer: Buffer.alloc(0),
  };
  const { outerAlgorithm, signature, trailer, ...tbs } = { ...good, ...fields };
  const present = Object.values(tbs).filter((field) => field !== undefined);
  return sequence(
    sequence(...present),
    outerAlgorithm ?? Buffer.alloc(0),
    signature ?? Buffer.alloc(0),
    trailer ?? Buffer.alloc(0),
  );
}

type Field =
  | 'version'
  | 'serialNumber'
  | 'algorithm'
  | 'issuer'
  | 'validity'
  | 'subject'
  | 'publicKey'
  | 'uniqueId'
  | 'extensions'
  | 'outerAlgorithm'
  | 'signature'
  | 'trailer';

function extensionOf(oid: string, value: Uint8Array): Buffer {
  return sequence(objectIdentifier(oid), octetString(value));
}

const extensions = (...list: Buffer[]): Buffer => explicit(3, sequence(...list));
const attribute = (value: Buffer): Buffer =>
  sequence(set(sequence(objectIdentifier('2.5.4.3'), value)));

describe('parseCertificate of malformed input', () => {
  it('accepts what the cases below start from', () => {
    expect(parse(assemble()).subject.text).toBe('CN=subject,O=Example,ST=WA,C=US');
    expect(parse(assemble({ uniqueId: der(0x81, Buffer.of(0)) })).version).toBe(3);
  });

  it.each<[string, Partial<Record<Field, Buffer | undefined>>]>([
    ['version 4', { version: explicit(0, integer(3)) }],
    ['version 1 written out', { version: explicit(0, integer(0)) }],
    ['extensions in version 2', { version: explicit(0, integer(1)) }],
    ['extensions in version 1', { version: undefined }],
    [
      'a unique id in version 1',
      { version: undefined, extensions: undefined, uniqueId: der(0x81) },
    ],
    ['no serial number', { serialNumber: undefined }],
    ['a serial number that is padded', { serialNumber: Buffer.from('0202007f', 'hex') }],
    ['another algorithm inside than outside', { algorithm: algorithmIdentifier('ecdsa-sha384') }],
    ['no issuer', { issuer: undefined }],
    ['an issuer with an empty RDN', { issuer: sequence(set()) }],
    ['a subject that is no string', { subject: attribute(integer(1)) }],
    ['a subject in invalid UTF-8', { subject: attribute(der(0x0c, Buffer.of(0xff))) }],
    ['a NUL in a PrintableString', { subject: attribute(printableString('a\0b')) }],
    [
      'an attribute of three parts',
      {
        subject: sequence(
          set(sequence(objectIdentifier('2.5.4.3'), utf8String('a'), utf8String('b'))),
        ),
      },
    ],
    ['a validity of one time', { validity: sequence(time(new Date(0))) }],
    [
      'a validity of three times',
      {
        validity: sequence(time(new Date(0)), time(new Date(0)), time(new Date(0))),
      },
    ],
    [
      'a time that does not exist',
      {
        validity: sequence(time(new Date(0)), der(0x17, Buffer.from('250230000000Z'))),
      },
    ],
    ['no public key', { publicKey: undefined }],
    [
      'bytes after the extensions',
      {
        extensions: Buffer.concat([extensions(extensionOf('1.2.3', sequence())), integer(1)]),
      },
    ],
    ['no extension in the list', { extensions: extensions() }],
    [
      'an extension twice',
      {
        extensions: extensions(extensionOf('1.2.3', sequence()), extensionOf('1.2.3', sequence())),
      },
    ],
    [
      'an extension without a value',
      {
        extensions: extensions(sequence(objectIdentifier('1.2.3'))),
      },
    ],
    [
      'a criticality of 01',
      {
        extensions: extensions(
          sequence(objectIdentifier('1.2.3'), der(0x01, Buffer.of(1)), octetString(sequence())),
        ),
      },
    ],
    [
      'basic constraints that are no sequence',
      {
        extensions: extensions(extensionOf('2.5.29.19', boolean(true))),
      },
    ],
    [
      'bytes after basic constraints',
      {
        extensions: extensions(extensionOf('2.5.29.19', Buffer.concat([sequence(), sequence()]))),
      },
    ],
    [
      'a negative path length',
      {
        extensions: extensions(
          extensionOf('2.5.29.19', sequence(boolean(true), der(0x02, Buffer.of(0xff)))),
        ),
      },
    ],
    [
      'a key usage that is no bit string',
      {
        extensions: extensions(extensionOf('2.5.29.15', octetString(Buffer.of(0x80)))),
      },
    ],
    [
      'an extended key usage without purposes',
      {
        extensions: extensions(extensionOf('2.5.29.37', sequence())),
      },
    ],
    [
      'a malformed authority information access',
      {
        extensions: extensions(extensionOf('1.3.6.1.5.5.7.1.1', sequence(integer(1)))),
      },
    ],
    ['a signature that is not whole bytes', { signature: bitString(Buffer.of(0x80), 7) }],
    ['no signature', { signature: undefined }],
    ['a fourth part', { trailer: integer(1) }],
  ])('refuses %s', (_, fields) => {
    expectCode(() => parse(assemble(fields)), 'certificate_invalid');
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['trailing bytes', Buffer.concat([leaf.der, Buffer.of(0)])],
    ['two certificates', Buffer.concat([leaf.der, leaf.der])],
    ['a certificate cut short', leaf.der.subarray(0, -1)],
    ['PEM', Buffer.from(leaf.pem)],
  ])('refuses %s', (_, bytes) => {
    expectCode(() => parse(bytes), 'certificate_invalid');
  });

  it('bounds the size', () => {
    const padded = (bytes: number): Buffer =>
      assemble({ extensions: extensions(extensionOf('1.2.3', Buffer.alloc(bytes))) });
    const overhead = padded(60_000).length - 60_000;
    expect(parse(padded(MAX_CERTIFICATE_BYTES - overhead)).version).toBe(3);
    expectCode(() => parse(padded(MAX_CERTIFICATE_BYTES - overhead + 1)), 'certificate_invalid');
  });

  it('throws only its own error, whatever bytes change', () => {
    const position = fc.nat(leaf.der.length - 1);
    fc.assert(
      fc.property(position, fc.nat(255), (at, octet) => {
        const changed = Buffer.from(leaf.der);
        changed[at] = octet;
        valueOrAgentError(() => parse(changed));
      }),
      { numRuns: 2000 },
    );
  });

  it('throws only its own error for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void valueOrAgentError(() => parse(bytes))));
  });
});
