// Public keys: odd ones are read as unsupported, malformed ones are refused.
import { describe, expect, it } from 'vitest';
import { DerReader } from '../../../agent/notation/encoding/der.ts';
import { type PublicKey, readPublicKey } from '../../../agent/notation/x509/public-key.ts';
import { bitString, integer, nullValue, objectIdentifier, sequence } from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';

const read = (encoded: Uint8Array): PublicKey =>
  readPublicKey(new DerReader(encoded, 'certificate', 'certificate_invalid'), 'public key');
const RSA = sequence(objectIdentifier('1.2.840.113549.1.1.1'), nullValue());
const EC = objectIdentifier('1.2.840.10045.2.1');
const P256 = objectIdentifier('1.2.840.10045.3.1.7');
const modulus = (bits: number): bigint => (1n << BigInt(bits - 1)) + 1n;
const rsa = (bits: number, exponent: number | bigint = 65_537): Buffer =>
  sequence(RSA, bitString(sequence(integer(modulus(bits)), integer(exponent))));
const point = (...octets: number[]): Buffer => bitString(Buffer.from(octets));

describe('readPublicKey', () => {
  it.each([1024, 2047, 2048, 2049, 4096, 8192])('counts the bits of an RSA key of %i', (bits) => {
    expect(read(rsa(bits))).toMatchObject({ type: 'rsa', modulusBits: bits });
  });

  it('accepts the exponent 3', () => {
    expect(read(rsa(2048, 3))).toMatchObject({ type: 'rsa' });
  });

  it.each([
    ['a modulus beyond reason', rsa(8193)],
    ['an exponent of 1', rsa(2048, 1)],
    ['an even exponent', rsa(2048, 65_536)],
    ['an exponent beyond reason', rsa(2048, (1n << 32n) + 1n)],
    [
      'RSA without NULL',
      sequence(sequence(objectIdentifier('1.2.840.113549.1.1.1')), bitString(sequence())),
    ],
    [
      'a key for RSA-PSS alone',
      sequence(sequence(objectIdentifier('1.2.840.113549.1.1.10')), bitString(sequence())),
    ],
    ['a curve without a name', sequence(sequence(EC, sequence()), point(4))],
    [
      'a curve that is not listed',
      sequence(sequence(EC, objectIdentifier('1.3.132.0.33')), point(4)),
    ],
    ['a compressed point', sequence(sequence(EC, P256), point(2, ...Array<number>(32).fill(1)))],
    [
      'a point of another length',
      sequence(sequence(EC, P256), point(4, ...Array<number>(63).fill(1))),
    ],
    ['a point of half bytes', sequence(sequence(EC, P256), bitString(Buffer.of(4, 0), 4))],
  ])('reads %s as unsupported', (_, encoded) => {
    expect(read(encoded)).toMatchObject({ type: 'unsupported' });
  });

  it.each([
    ['an RSA key that is no sequence', sequence(RSA, bitString(integer(3)))],
    ['an RSA key without exponent', sequence(RSA, bitString(sequence(integer(3))))],
    [
      'an RSA key of three numbers',
      sequence(RSA, bitString(sequence(integer(3), integer(3), integer(3)))),
    ],
    [
      'bytes after an RSA key',
      sequence(RSA, bitString(Buffer.concat([sequence(integer(3), integer(3)), integer(1)]))),
    ],
    ['no key', sequence(RSA)],
    ['no algorithm', sequence(bitString(sequence()))],
    ['a third part', sequence(RSA, bitString(sequence(integer(3), integer(3))), integer(1))],
  ])('refuses %s', (_, encoded) => {
    expectCode(() => read(encoded), 'certificate_invalid');
  });
});
