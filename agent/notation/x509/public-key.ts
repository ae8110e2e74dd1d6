// SubjectPublicKeyInfo (RFC 5280 4.1.2.7, RFC 3279, RFC 5480): what kind of key a certificate holds.
import { DER_TAGS, DerReader } from '../encoding/der.ts';
import { decodeBitString, decodeInteger, decodeObjectIdentifier } from '../encoding/der-value.ts';
import { readAlgorithmIdentifier, type AlgorithmIdentifier } from './algorithm-identifier.ts';

export type Curve = 'P-256' | 'P-384' | 'P-521';

/** The key, and what decides which signatures it may make. */
export type PublicKey = { /** DER of the SubjectPublicKeyInfo. */ readonly spki: Uint8Array } & (
  | { readonly type: 'rsa'; readonly modulusBits: number }
  | { readonly type: 'ec'; readonly curve: Curve }
  | { readonly type: 'unsupported'; readonly found: string }
);

const RSA_ENCRYPTION = '1.2.840.113549.1.1.1';
const EC_PUBLIC_KEY = '1.2.840.10045.2.1';
const CURVES: ReadonlyMap<string, Curve> = new Map([
  ['1.2.840.10045.3.1.7', 'P-256'],
  ['1.3.132.0.34', 'P-384'],
  ['1.3.132.0.35', 'P-521'],
]);

/** RFC 5480 section 2.2: 04, then both coordinates in full. */
const POINT_BYTES: Readonly<Record<Curve, number>> = { 'P-256': 65, 'P-384': 97, 'P-521': 133 };

/** The work of one verification grows with the square of this; nobody issues longer keys. */
const MAX_MODULUS_BITS = 8192;
/** Everyone uses 65537. The bound keeps verification quick; 1 would make forging trivial. */
const MAX_EXPONENT_BYTES = 4;

/**
 * Reads a SubjectPublicKeyInfo. A kind of key that is not used here is no fault, because a trust
 * store may hold such a CA: it comes back as `unsupported`. That an EC point is on its curve is
 * checked when the key is used. Throws the reader's code.
 */
export function readPublicKey(reader: DerReader, field: string): PublicKey {
  const element = reader.read(DER_TAGS.sequence, field);
  const inside = reader.open(element);
  const algorithm = readAlgorithmIdentifier(inside, field);
  const key = decodeBitString(inside.read(DER_TAGS.bitString, field));
  inside.end(field);
  const spki = element.raw;
  if (key.unusedBits === 0) {
    if (algorithm.oid === RSA_ENCRYPTION && algorithm.parameters?.tag === DER_TAGS.null) {
      return { spki, ...describeRsa(new DerReader(key.bytes, reader.what, reader.code), field) };
    }
    if (algorithm.oid === EC_PUBLIC_KEY) return { spki, ...describeEc(algorithm, key.bytes) };
  }
  return { spki, type: 'unsupported', found: `algorithm ${algorithm.oid}` };
}

type Description<T> = T extends unknown ? Omit<T, 'spki'> : never;

function describeRsa(reader: DerReader, field: string): Description<PublicKey> {
  const numbers = reader.enter(DER_TAGS.sequence, field);
  const modulus = decodeInteger(numbers.read(DER_TAGS.integer, `${field} modulus`));
  const exponent = decodeInteger(numbers.read(DER_TAGS.integer, `${field} exponent`));
  numbers.end(field);
  reader.end(field);
  const modulusBits = bitLength(modulus);
  if (modulusBits > MAX_MODULUS_BITS) {
    return { type: 'unsupported', found: `RSA with ${modulusBits} bits` };
  }
  const odd = ((exponent.at(-1) ?? 0) & 1) === 1;
  if (!odd || exponent.length > MAX_EXPONENT_BYTES || bitLength(exponent) < 2) {
    return { type: 'unsupported', found: 'RSA with an unusual exponent' };
  }
  return { type: 'rsa', modulusBits };
}

function describeEc(algorithm: AlgorithmIdentifier, point: Uint8Array): Description<PublicKey> {
  if (algorithm.parameters?.tag !== DER_TAGS.objectIdentifier) {
    return { type: 'unsupported', found: 'an elliptic curve without a name' };
  }
  const oid = decodeObjectIdentifier(algorithm.parameters);
  const curve = CURVES.get(oid);
  if (curve === undefined) return { type: 'unsupported', found: `elliptic curve ${oid}` };
  if (point[0] !== 0x04 || point.length !== POINT_BYTES[curve]) {
    return { type: 'unsupported', found: `${curve} with a point that is not uncompressed` };
  }
  return { type: 'ec', curve };
}

/** Bits of a positive integer; 0 for zero and for negative ones. */
function bitLength(octets: Uint8Array): number {
  const first = octets[0] ?? 0;
  if (first >= 0x80) return 0;
  const significant = first === 0 ? octets.subarray(1) : octets;
  return significant.length === 0
    ? 0
    : 8 * significant.length - Math.clz32(significant[0] ?? 0) + 24;
}
