// Kinds about algorithms, keys and the signature itself.
import { constants, sign, type SignKeyObjectInput } from 'node:crypto';
import { testKey } from '../../support/keys.ts';
import {
  type EnvelopeFormat,
  type EnvelopeOptions,
  type SignedParts,
  toBeSigned,
} from '../../support/sign-envelope.ts';
import { KEYS, leafWith } from '../generate/certificates.ts';
import { FORMATS, LEVELS, world } from '../generate/setup.ts';
import { each, kind } from '../kind.ts';

const SALTS = {
  none: 0,
  'one byte': 1,
  'as SHA-1': 20,
  'one short': 31,
  'one long': 33,
  longest: 222,
};
const RSA = { 'rsa-2048': 'rsa-2048', 'rsa-3072': 'rsa-3072' } as const;
const EC = { p256: 'p256', p384: 'p384', p521: 'p521' } as const;
const HASHES = { 'rsa-2048': 'sha256', p256: 'sha256', p384: 'sha384', p521: 'sha512' } as const;

export const ALGORITHM_KINDS = [
  kind({
    name: 'good signature of every algorithm',
    parameters: { format: FORMATS, key: KEYS, level: LEVELS },
    build: ({ format, key, level }, given) =>
      world(given, { level, signature: { format, signer: leafFor(key) } }),
  }),
  kind({
    name: 'key of a size or curve that is not allowed',
    parameters: {
      format: FORMATS,
      key: { 'rsa-1024': 'rsa-1024', 'rsa-2560': 'rsa-2560', p224: 'p224' } as const,
    },
    build: ({ format, key }, given) => {
      const algorithm = key === 'p224' ? 'ES256' : 'PS256';
      const signature = { format, signer: leafFor(key), algorithm } as const;
      return world(given, { fault: 'integrity', signature });
    },
  }),
  kind({
    name: 'leaf with a key for signatures other than RSA and ECDSA',
    parameters: { format: FORMATS },
    build: ({ format }, given) =>
      world(given, {
        fault: 'integrity',
        signature: { format, signer: leafFor('ed25519'), key: testKey('p256', 'leaf') },
      }),
  }),
  kind({
    name: 'alg header that is not the key’s',
    parameters: {
      format: FORMATS,
      key: { 'rsa-2048': 'rsa-2048', p256: 'p256' } as const,
      alg: {
        PS384: ['PS384', -38],
        PS512: ['PS512', -39],
        ES384: ['ES384', -35],
        ES512: ['ES512', -36],
        RS256: ['RS256', -257],
        EdDSA: ['EdDSA', -8],
        HS256: ['HS256', 5],
        none: ['none', 0],
        absent: [null, null],
        text: ['ps256', 'PS256'],
        empty: ['', ''],
      } as const,
    },
    build: ({ format, key, alg: [jws, cose] }, given) =>
      world(given, {
        fault: 'integrity',
        signature: { format, signer: leafFor(key), alg: format === 'jws' ? jws : cose },
      }),
  }),
  kind({
    name: 'RSA key that signs with another hash, and says so',
    parameters: { format: FORMATS, algorithm: each('PS384', 'PS512') },
    build: ({ format, algorithm }, given) =>
      world(given, {
        fault: 'integrity',
        signature: { format, signer: leafFor('rsa-2048'), algorithm },
      }),
  }),
  kind({
    name: 'PSS salt of another length in COSE',
    parameters: { key: RSA, salt: SALTS },
    build: ({ key, salt }, given) => {
      const saltLength = longestFor(key, salt);
      const signature = { format: 'cose', signer: leafFor(key), saltLength } as const;
      return world(given, { fault: 'integrity', signature });
    },
  }),
  kind({
    name: 'PSS salt of another length in JWS',
    parameters: { key: RSA, salt: SALTS },
    build: ({ key, salt }, given) => {
      const saltLength = longestFor(key, salt);
      const signature = { format: 'jws', signer: leafFor(key), saltLength } as const;
      return world(given, { fault: 'integrity', signature });
    },
  }),
  kind({
    name: 'signature value in another encoding',
    parameters: {
      format: FORMATS,
      key: each('rsa-2048', 'p256', 'p384', 'p521'),
      encoding: each(
        'DER or PKCS #1 v1.5',
        'one byte short',
        'one byte long',
        'leading zero',
        'empty',
      ),
    },
    build: ({ format, key, encoding }, given) =>
      world(given, {
        fault: 'integrity',
        signature: { format, signer: leafFor(key), tamper: encodeAs(format, key, encoding) },
      }),
  }),
  kind({
    name: 'signed bytes changed afterwards',
    parameters: {
      format: FORMATS,
      key: { 'rsa-2048': 'rsa-2048', ...EC } as const,
      part: each('protected', 'payload', 'signature'),
      place: each('first', 'middle', 'last'),
    },
    build: ({ format, key, part, place }, given) =>
      world(given, {
        fault: 'integrity',
        signature: {
          format,
          signer: leafFor(key),
          tamper: (parts) => ({ [part]: flipBit(parts[part], place) }),
        },
      }),
  }),
  kind({
    name: 'signed by another key than the leaf’s',
    parameters: { format: FORMATS, key: { 'rsa-2048': 'rsa-2048', ...EC } as const },
    build: ({ format, key }, given) =>
      world(given, {
        fault: 'integrity',
        signature: { format, signer: leafFor(key), key: testKey(key, 'other') },
      }),
  }),
  kind({
    name: 'signature over the other format’s bytes',
    parameters: { format: FORMATS },
    build: ({ format }, given) =>
      world(given, {
        fault: 'integrity',
        signature: {
          format,
          tamper: ({ protected: headers, payload }) => ({
            signature: rawSign(
              'p256',
              toBeSigned(format === 'jws' ? 'cose' : 'jws', headers, payload),
            ),
          }),
        },
      }),
  }),
];

function leafFor(key: Parameters<typeof testKey>[0]) {
  return leafWith({ key: testKey(key, 'leaf') });
}

type EncodedKey = keyof typeof HASHES;

function longestFor(key: keyof typeof RSA, salt: number): number {
  // The room that the modulus leaves: RFC 8017 9.1.1.
  const hashBytes = key === 'rsa-2048' ? 32 : 48;
  const longest = Number(key.slice(4)) / 8 - hashBytes - 2;
  return salt === SALTS.longest ? longest : salt;
}

function encodeAs(
  format: EnvelopeFormat,
  key: EncodedKey,
  encoding: string,
): NonNullable<EnvelopeOptions['tamper']> {
  return ({ protected: headers, payload, signature }: SignedParts) => {
    const good = Buffer.from(signature);
    switch (encoding) {
      case 'one byte short':
        return { signature: good.subarray(0, -1) };
      case 'one byte long':
        return { signature: Buffer.concat([good, Buffer.alloc(1)]) };
      case 'leading zero':
        return { signature: Buffer.concat([Buffer.alloc(1), good]) };
      case 'empty':
        return { signature: Buffer.alloc(0) };
      default:
        return { signature: rawSign(key, toBeSigned(format, headers, payload), true) };
    }
  };
}

/** ECDSA as DER if `der`; RSA by PKCS #1 v1.5. */
function rawSign(key: EncodedKey, bytes: Uint8Array, der = false): Buffer {
  const input: SignKeyObjectInput = {
    key: testKey(key, 'leaf').privateKey,
    ...(key === 'rsa-2048'
      ? { padding: constants.RSA_PKCS1_PADDING }
      : { dsaEncoding: der ? 'der' : 'ieee-p1363' }),
  };
  return sign(HASHES[key], bytes, input);
}

function flipBit(bytes: Uint8Array, place: string): Uint8Array {
  const changed = Buffer.from(bytes);
  const index = { first: 0, middle: changed.length >> 1 }[place] ?? changed.length - 1;
  changed.writeUInt8(changed.readUInt8(index) ^ 1, index);
  return changed;
}
