// Signatures by algorithms from closed lists, checked against signatures that node:crypto makes.
import { constants, createPublicKey, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type CertificateSignatureAlgorithm,
  hash,
  hashHex,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
  verifyCertificateSignature,
  verifySignature,
} from '../../../agent/notation/encoding/crypto.ts';
import { expectCode } from '../../support/expect-code.ts';
import { type KeyType, type TestKey, testKey } from '../../support/keys.ts';
import { signBytes } from '../../support/sign-envelope.ts';

const DATA = Buffer.from('data');
const KEY_OF: Readonly<Record<SignatureAlgorithm, KeyType>> = {
  PS256: 'rsa-2048',
  PS384: 'rsa-3072',
  PS512: 'rsa-4096',
  ES256: 'p256',
  ES384: 'p384',
  ES512: 'p521',
};
const spki = (key: TestKey): Buffer => key.publicKey.export({ format: 'der', type: 'spki' });
const flip = (bytes: Uint8Array, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

describe.each(SIGNATURE_ALGORITHMS)('verifySignature with %s', (algorithm) => {
  const key = testKey(KEY_OF[algorithm]);
  const signature = signBytes(algorithm, key, DATA);
  const verify = (data: Uint8Array, value: Uint8Array, of: TestKey = key): boolean =>
    verifySignature(algorithm, spki(of), data, value);

  it('accepts a signature by the key over the data', () => {
    expect(verify(DATA, signature)).toBe(true);
  });

  it.each([
    ['other data', Buffer.from('data.'), signature],
    ['a changed signature', DATA, flip(signature, signature.length >> 1)],
    ['a signature with a byte more', DATA, Buffer.concat([signature, Buffer.of(0)])],
    ['a signature with a byte less', DATA, signature.subarray(1)],
    ['an empty signature', DATA, Buffer.alloc(0)],
    ['a signature of zeros', DATA, Buffer.alloc(signature.length)],
  ])('refuses %s', (_, data, value) => {
    expect(verify(data, value)).toBe(false);
  });

  it('refuses a signature by another key', () => {
    expect(verify(DATA, signature, testKey(KEY_OF[algorithm], 'other'))).toBe(false);
  });

  it('refuses a key of the other type', () => {
    const other = algorithm.startsWith('PS') ? testKey('p256') : testKey('rsa-2048');
    expect(verify(DATA, signature, other)).toBe(false);
  });
});

describe('verifySignature', () => {
  it.each([0, 20, 31, 33, constants.RSA_PSS_SALTLEN_MAX_SIGN])(
    'refuses PS256 with a salt of %i',
    (saltLength) => {
      const key = testKey('rsa-2048');
      expect(verifySignature('PS256', spki(key), DATA, signBytes('PS256', key, DATA, 32))).toBe(
        true,
      );
      const signature = signBytes('PS256', key, DATA, saltLength);
      expect(verifySignature('PS256', spki(key), DATA, signature)).toBe(false);
    },
  );

  it('refuses PKCS #1 v1.5 in place of PSS', () => {
    const key = testKey('rsa-2048');
    const signature = sign('sha256', DATA, key.privateKey);
    expect(verifySignature('PS256', spki(key), DATA, signature)).toBe(false);
  });

  it('refuses a DER signature in place of r and s', () => {
    const key = testKey('p256');
    const signature = sign('sha256', DATA, key.privateKey);
    expect(verifySignature('ES256', spki(key), DATA, signature)).toBe(false);
  });

  it('does not mistake one key for another, however many it has seen', () => {
    const seen = Array.from({ length: 120 }, (_, number) => testKey('p256', `seen ${number}`));
    const signatures = seen.map((key) => signBytes('ES256', key, DATA));
    for (const [number, key] of [...seen, ...seen].entries()) {
      const own = signatures[number % seen.length] ?? Buffer.of();
      const next = signatures[(number + 1) % seen.length] ?? Buffer.of();
      expect(verifySignature('ES256', spki(key), DATA, own)).toBe(true);
      expect(verifySignature('ES256', spki(key), DATA, next)).toBe(false);
    }
  });

  it('imports keys whatever their length', () => {
    const lengths = [2048, 2056, 2064, 3072, 4096, 8192];
    for (const bits of lengths) {
      const modulus = Buffer.alloc(bits / 8, 0xa5);
      const key = createPublicKey({
        key: { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' },
        format: 'jwk',
      });
      const encoded = key.export({ format: 'der', type: 'spki' });
      expect(verifySignature('PS256', encoded, DATA, modulus)).toBe(false);
    }
  });

  it('refuses a key that is not on its curve', () => {
    const key = spki(testKey('p256'));
    expectCode(
      () => verifySignature('ES256', flip(key, key.length - 1), DATA, Buffer.alloc(64)),
      'certificate_invalid',
    );
  });
});

describe('verifyCertificateSignature', () => {
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const rsa = testKey('rsa-2048');
  const ec = testKey('p256');
  const sha256 = { hash: 'sha256' } as const;

  it.each([
    ['rsa-pkcs1', rsa, sign('sha256', DATA, rsa.privateKey)],
    ['rsa-pss', rsa, sign('sha256', DATA, { key: rsa.privateKey, ...pss })],
    ['ecdsa', ec, sign('sha256', DATA, ec.privateKey)],
  ] as const)('accepts %s, and refuses it for anything else', (scheme, key, signature) => {
    const verify = (
      algorithm: CertificateSignatureAlgorithm,
      data: Uint8Array = DATA,
      value: Uint8Array = signature,
    ): boolean => verifyCertificateSignature(algorithm, spki(key), data, value);
    expect(verify({ scheme, ...sha256 })).toBe(true);
    expect(verify({ scheme, hash: 'sha384' })).toBe(false);
    expect(verify({ scheme, ...sha256 }, Buffer.from('other'))).toBe(false);
    expect(verify({ scheme, ...sha256 }, DATA, flip(signature, 9))).toBe(false);
    for (const other of ['rsa-pkcs1', 'rsa-pss', 'ecdsa'] as const) {
      if (other !== scheme) expect(verify({ scheme: other, ...sha256 })).toBe(false);
    }
  });
});

describe('hash', () => {
  it('digests bytes', () => {
    const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    expect(hashHex('sha256', Buffer.alloc(0))).toBe(empty);
    expect(Buffer.from(hash('sha256', Buffer.alloc(0))).toString('hex')).toBe(empty);
    expect(hash('sha512', DATA)).toHaveLength(64);
  });
});
