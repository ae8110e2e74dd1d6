// Who issued a certificate: names, signature, and the algorithms that may make it.
import { describe, expect, it } from 'vitest';
import { type Certificate, parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import { isIssuedBy, isSelfSigned } from '../../../agent/notation/x509/issuance.ts';
import { createCa, createSelfSigned, subjectNamed } from '../../support/ca.ts';
import { algorithmIdentifier, signCertificate } from '../../support/certificate-signature.ts';
import type { TestCertificate } from '../../support/certificate.ts';
import {
  bitString,
  explicit,
  integer,
  nullValue,
  objectIdentifier,
  sequence,
} from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';
import { testKey } from '../../support/keys.ts';

const parse = ({ der }: Pick<TestCertificate, 'der'>): Certificate =>
  parseCertificate(der, 'certificate');
const ca = createCa();
const root = parse(ca.root);

describe('isIssuedBy', () => {
  it('accepts the issuer', () => {
    expect(isIssuedBy(parse(ca.issue()), root)).toBe(true);
  });

  it('refuses another name with the same key', () => {
    expect(isIssuedBy(parse(ca.issue({ issuerName: subjectNamed('other') })), root)).toBe(false);
  });

  it('refuses another key with the same name', () => {
    expect(isIssuedBy(parse(ca.issue({ signingKey: testKey('p256', 'other') })), root)).toBe(false);
  });

  it('refuses a certificate that was changed after signing', () => {
    const { der } = ca.issue();
    const changed = Buffer.from(der);
    const at = changed.lastIndexOf('leaf');
    changed.write('Leaf', at, 'latin1');
    expect(isIssuedBy(parse({ der: changed }), root)).toBe(false);
  });

  it('refuses a certificate without a signature', () => {
    const certificate = parse(ca.issue());
    const bare = sequence(
      certificate.tbs,
      algorithmIdentifier('ecdsa-sha256'),
      bitString(Buffer.alloc(0)),
    );
    expect(isIssuedBy(parse({ der: bare }), root)).toBe(false);
  });
});

describe('isSelfSigned', () => {
  it('tells roots and self-signed leaves from issued certificates', () => {
    expect(isSelfSigned(root)).toBe(true);
    expect(isSelfSigned(parse(createSelfSigned()))).toBe(true);
    expect(isSelfSigned(parse(ca.issue()))).toBe(false);
  });

  it('goes by the signature where the names are the same', () => {
    const twin = ca.issue({ subjectDer: ca.root.subject, key: testKey('p256', 'twin') });
    expect(isSelfSigned(parse(twin))).toBe(false);
    expect(isIssuedBy(parse(twin), root)).toBe(true);
  });
});

describe('signature algorithms of certificates', () => {
  it.each([
    ['rsa-2048', 'rsa-sha256'],
    ['rsa-2048', 'rsa-sha384'],
    ['rsa-2048', 'rsa-sha512'],
    ['rsa-2048', 'pss-sha256'],
    ['rsa-2048', 'pss-sha384'],
    ['rsa-2048', 'pss-sha512'],
    ['rsa-2560', 'rsa-sha256'],
    ['p256', 'ecdsa-sha256'],
    ['p384', 'ecdsa-sha384'],
    ['p521', 'ecdsa-sha512'],
    ['p256', 'ecdsa-sha512'],
  ] as const)('accepts %s with %s', (key, signature) => {
    expect(isSelfSigned(parse(createSelfSigned({ key, signature })))).toBe(true);
  });

  it.each([
    ['rsa-2048', 'rsa-md5', 'certificate_signature_unsupported'],
    ['rsa-2048', 'rsa-sha1', 'certificate_signature_unsupported'],
    ['p256', 'ecdsa-sha1', 'certificate_signature_unsupported'],
    ['ed25519', 'ed25519', 'certificate_signature_unsupported'],
    ['p224', 'ecdsa-sha256', 'certificate_key_unsupported'],
    ['rsa-1024', 'rsa-sha256', 'certificate_key_unsupported'],
  ] as const)('refuses %s with %s, though the signature is good', (key, signature, code) => {
    expectCode(() => isSelfSigned(parse(createSelfSigned({ key, signature }))), code);
  });

  it('refuses an algorithm of the other kind of key', () => {
    const rsa = parse(createSelfSigned({ key: 'rsa-2048' }));
    expect(isSelfSigned(rsa)).toBe(true);
    expect(isSelfSigned({ ...rsa, signatureAlgorithm: root.signatureAlgorithm })).toBe(false);
    expect(isSelfSigned({ ...root, signatureAlgorithm: rsa.signatureAlgorithm })).toBe(false);
  });
});

describe('RSA-PSS parameters of certificates', () => {
  const PSS = '1.2.840.113549.1.1.10';
  const hash = (last: number): Buffer =>
    sequence(objectIdentifier(`2.16.840.1.101.3.4.2.${last}`), nullValue());
  const mask = (last: number): Buffer =>
    sequence(objectIdentifier('1.2.840.113549.1.1.8'), hash(last));
  const key = testKey('rsa-2048');
  const signed = parse(createSelfSigned({ key, signature: 'pss-sha256' }));

  /** The certificate with other parameters, inside and outside, and a good signature over them. */
  function withParameters(...parameters: readonly Buffer[]): Certificate {
    const good = algorithmIdentifier('pss-sha256');
    const changed = sequence(objectIdentifier(PSS), ...parameters);
    const tbs = Buffer.from(signed.tbs);
    const at = tbs.indexOf(good);
    const head = tbs.readUInt8(1) === 0x82 ? 4 : 3;
    const body = Buffer.concat([tbs.subarray(head, at), changed, tbs.subarray(at + good.length)]);
    const whole = signCertificate(sequence(body), 'pss-sha256', key);
    return parse({ der: replaceOuter(whole, good, changed) });
  }

  function replaceOuter(der: Buffer, good: Buffer, changed: Buffer): Buffer {
    const at = der.indexOf(good);
    const head = der.readUInt8(1) === 0x82 ? 4 : 3;
    return sequence(der.subarray(head, at), changed, der.subarray(at + good.length));
  }

  const good = [explicit(0, hash(1)), explicit(1, mask(1)), explicit(2, integer(32))];

  it('accepts SHA-256 with its own mask and salt', () => {
    expect(isSelfSigned(withParameters(sequence(...good)))).toBe(true);
  });

  it.each([
    ['no parameters', []],
    ['NULL', [nullValue()]],
    ['the defaults, which are SHA-1', [sequence()]],
    ['SHA-224', [sequence(explicit(0, hash(4)), explicit(1, mask(4)), explicit(2, integer(28)))]],
    [
      'another hash in the mask',
      [sequence(explicit(0, hash(1)), explicit(1, mask(2)), explicit(2, integer(32)))],
    ],
    [
      'another mask',
      [
        sequence(
          explicit(0, hash(1)),
          explicit(1, sequence(objectIdentifier('1.2.3'), hash(1))),
          explicit(2, integer(32)),
        ),
      ],
    ],
    [
      'a shorter salt',
      [sequence(explicit(0, hash(1)), explicit(1, mask(1)), explicit(2, integer(20)))],
    ],
    ['the default salt', [sequence(explicit(0, hash(1)), explicit(1, mask(1)))]],
    ['a trailer field', [sequence(...good, explicit(3, integer(1)))]],
  ])('refuses %s', (_, parameters) => {
    expectCode(
      () => isSelfSigned(withParameters(...parameters)),
      'certificate_signature_unsupported',
    );
  });
});
