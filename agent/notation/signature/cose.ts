// COSE envelopes: signature-envelope-cose.md and RFC 9052, COSE_Sign1_Tagged.
import type { SignatureAlgorithm } from '../encoding/crypto.ts';
import {
  CborFloat,
  type CborLabel,
  type CborMap,
  CborTag,
  type CborValue,
  decodeCbor,
  encodeCborHead,
} from '../encoding/cbor.ts';
import {
  type DecodedEnvelope,
  type SignedHeaders,
  SIGNING_AGENT,
  TIMESTAMP_SIGNATURE,
  unexpected,
  unsupportedAlgorithm,
} from './decoded-envelope.ts';

/** Header labels of RFC 9052 section 3.1 and RFC 9360 section 2. */
const ALG = 1;
const CRIT = 2;
const CONTENT_TYPE = 3;
const X5CHAIN = 33;
const FORMAT_LABELS: readonly CborLabel[] = [ALG, CRIT, CONTENT_TYPE, X5CHAIN];

const ALGORITHMS: ReadonlyMap<unknown, SignatureAlgorithm> = new Map([
  [-37, 'PS256'],
  [-38, 'PS384'],
  [-39, 'PS512'],
  [-7, 'ES256'],
  [-35, 'ES384'],
  [-36, 'ES512'],
]);

const COSE_SIGN1_TAG = 0xd2;
/** RFC 8949 section 3.4.2. */
const EPOCH_TIME_TAG = 1;
/** 9999-12-31T23:59:59Z, the last time that RFC 3339 can write. */
const MAX_EPOCH_SECONDS = 253_402_300_799;
/** The text `Signature1` and its head: what a COSE_Sign1 signature is made over begins with it. */
const CONTEXT = Buffer.from('\x6aSignature1', 'latin1');

/**
 * Takes a COSE envelope apart. Throws `envelope_invalid` when it is not strictly of its format, and
 * `algorithm_unsupported` for an algorithm outside the six. Attributes, certificates, signature and
 * payload have not been looked into.
 */
export function decodeCose(bytes: Uint8Array): DecodedEnvelope {
  if (bytes[0] !== COSE_SIGN1_TAG) throw unexpected('COSE', 'the tag of COSE_Sign1', bytes[0]);
  const parts = decode(bytes.subarray(1), 'COSE', []);
  if (!isArray(parts) || parts.length !== 4) throw unexpected('COSE', 'an array of 4', parts);
  const [protectedBytes, unprotected, payload, signatureValue] = parts;
  if (!isBytes(protectedBytes)) throw unexpected('protected', 'bytes', protectedBytes);
  if (!isMap(unprotected)) throw unexpected('unprotected', 'a map', unprotected);
  if (!isBytes(payload)) throw unexpected('payload', 'bytes', payload);
  if (!isBytes(signatureValue)) throw unexpected('signature', 'bytes', signatureValue);
  const headers = decode(protectedBytes, 'protected', [EPOCH_TIME_TAG]);
  if (!isMap(headers)) throw unexpected('protected', 'a map', headers);
  // RFC 9052 section 3: a label in both would let the unsigned value stand for the signed one.
  for (const label of unprotected.keys()) {
    if (headers.has(label)) throw unexpected('unprotected', 'no label that protected has', label);
  }
  return {
    algorithm: toAlgorithm(headers.get(ALG)),
    contentType: toContentType(headers.get(CONTENT_TYPE)),
    signed: toSignedHeaders(headers),
    signedBytes: toSignedBytes(protectedBytes, payload),
    payload,
    signatureValue,
    // "Unprotected Headers": optionally, x5chain is in the protected header.
    certificates: toCertificates(headers.get(X5CHAIN) ?? unprotected.get(X5CHAIN)),
    ...toTimestampToken(unprotected.get(TIMESTAMP_SIGNATURE)),
    ...toSigningAgent(unprotected.get(SIGNING_AGENT)),
  };
}

/** RFC 9052 section 4.4: context, protected headers as received, no external data, payload. */
function toSignedBytes(protectedBytes: Uint8Array, payload: Uint8Array): Uint8Array {
  return Buffer.concat([
    encodeCborHead(4, 4),
    CONTEXT,
    encodeCborHead(2, protectedBytes.length),
    protectedBytes,
    encodeCborHead(2, 0),
    encodeCborHead(2, payload.length),
    payload,
  ]);
}

function toAlgorithm(found: CborValue | undefined): SignatureAlgorithm {
  const algorithm = ALGORITHMS.get(found);
  if (algorithm === undefined) throw unsupportedAlgorithm(found);
  return algorithm;
}

function toContentType(found: CborValue | undefined): string {
  if (typeof found !== 'string') throw unexpected('content type', 'text', found);
  return found;
}

function toSignedHeaders(headers: CborMap): SignedHeaders {
  const crit = headers.get(CRIT);
  if (!isArray(crit) || !crit.every(isLabel)) throw unexpected('crit', 'an array of labels', crit);
  return {
    critical: crit,
    values: new Map([...headers].filter(([label]) => !FORMAT_LABELS.includes(label))),
    readTime,
  };
}

/** Fractions SHOULD NOT be used but may be; they are cut to the millisecond, never rounded up. */
function readTime(value: unknown, what: string): Date {
  const inside = value instanceof CborTag ? value.value : undefined;
  const seconds = inside instanceof CborFloat ? inside.value : inside;
  if (typeof seconds !== 'number' || seconds < 0 || seconds > MAX_EPOCH_SECONDS) {
    throw unexpected(what, 'a time with CBOR tag 1', value);
  }
  return new Date(Math.floor(seconds * 1000));
}

function toCertificates(found: CborValue | undefined): readonly Uint8Array[] {
  if (isArray(found) && found.every(isBytes)) return found;
  throw unexpected('x5chain', 'an array of certificates', found);
}

function toTimestampToken(found: CborValue | undefined): Pick<DecodedEnvelope, 'timestampToken'> {
  if (found === undefined) return {};
  if (!isBytes(found)) throw unexpected(TIMESTAMP_SIGNATURE, 'bytes', found);
  return { timestampToken: found };
}

function toSigningAgent(found: CborValue | undefined): Pick<DecodedEnvelope, 'signingAgent'> {
  return typeof found === 'string' ? { signingAgent: found } : {};
}

function decode(bytes: Uint8Array, what: string, tags: readonly number[]): CborValue {
  return decodeCbor(bytes, { what: `signature envelope: ${what}`, code: 'envelope_invalid', tags });
}

function isBytes(value: CborValue | undefined): value is Uint8Array {
  return value instanceof Uint8Array;
}

function isArray(value: CborValue | undefined): value is readonly CborValue[] {
  return Array.isArray(value);
}

function isMap(value: CborValue | undefined): value is CborMap {
  return value instanceof Map;
}

function isLabel(value: CborValue): value is CborLabel {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
}
