// Malformed certificates: each a good one with one field broken.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Certificate,
  MAX_CERTIFICATE_BYTES,
  parseCertificate,
} from '../../../agent/notation/x509/certificate.ts';
import { assemble, extensionOf, type Field } from '../../support/assemble-certificate.ts';
import { createCa } from '../../support/ca.ts';
import { algorithmIdentifier } from '../../support/certificate-signature.ts';
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
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { runs } from '../../support/properties.ts';

const parse = (bytes: Uint8Array): Certificate => parseCertificate(bytes, 'certificate');
const leaf = createCa().issue();
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
      { numRuns: runs(2000) },
    );
  });

  it('throws only its own error for any bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void valueOrAgentError(() => parse(bytes))));
  });
});
