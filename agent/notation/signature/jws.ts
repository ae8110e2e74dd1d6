// JWS envelopes: signature-envelope-jws.md and RFC 7515, flattened JSON serialization.
import { isJsonObject, type JsonObject } from '../../oci/json-object.ts';
import { decodeBase64, decodeBase64url } from '../encoding/base64.ts';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from '../encoding/crypto.ts';
import { parseStrictJson } from '../encoding/json.ts';
import { parseRfc3339 } from '../encoding/rfc3339.ts';
import {
  type DecodedEnvelope,
  MAX_ENVELOPE_BYTES,
  MAX_ENVELOPE_VALUES,
  type SignedHeaders,
  SIGNING_AGENT,
  TIMESTAMP_SIGNATURE,
  unexpected,
  unsupportedAlgorithm,
} from './decoded-envelope.ts';

/** "Signature Envelope": no additional top level fields are supported. */
const MEMBERS: readonly string[] = ['payload', 'protected', 'header', 'signature'];
/** The registered headers that are no attributes. */
const FORMAT_HEADERS: readonly string[] = ['alg', 'cty', 'crit'];

/**
 * Takes a JWS envelope apart. Throws `envelope_invalid` when it is not strictly of its format, and
 * `algorithm_unsupported` for an algorithm outside the six. Attributes, certificates, signature and
 * payload have not been looked into.
 */
export function decodeJws(bytes: Uint8Array): DecodedEnvelope {
  const envelope = parseObject(bytes, 'JWS');
  for (const member of Object.keys(envelope)) {
    if (!MEMBERS.includes(member)) throw unexpected('JWS', `only ${MEMBERS.join(', ')}`, member);
  }
  const protectedText = textOf(envelope, 'protected');
  const payloadText = textOf(envelope, 'payload');
  const headers = parseObject(base64url(protectedText, 'protected'), 'protected');
  const { header } = envelope;
  if (!isJsonObject(header)) throw unexpected('header', 'an object', header);
  // RFC 7515 section 4: a name in both would let the unsigned value stand for the signed one.
  for (const name of Object.keys(header)) {
    if (name in headers) throw unexpected('header', 'no name that protected has', name);
  }
  return {
    algorithm: toAlgorithm(headers['alg']),
    contentType: textOf(headers, 'cty'),
    signed: toSignedHeaders(headers),
    signedBytes: Buffer.from(`${protectedText}.${payloadText}`, 'latin1'),
    payload: base64url(payloadText, 'payload'),
    signatureValue: base64url(textOf(envelope, 'signature'), 'signature'),
    certificates: toCertificates(header['x5c']),
    ...toTimestampToken(header[TIMESTAMP_SIGNATURE]),
    ...toSigningAgent(header[SIGNING_AGENT]),
  };
}

function toAlgorithm(found: unknown): SignatureAlgorithm {
  const algorithm = SIGNATURE_ALGORITHMS.find((name) => name === found);
  if (algorithm === undefined) throw unsupportedAlgorithm(found);
  return algorithm;
}

function toSignedHeaders(headers: JsonObject): SignedHeaders {
  const { crit } = headers;
  if (!isStrings(crit)) throw unexpected('crit', 'an array of names', crit);
  return {
    critical: crit,
    values: new Map(Object.entries(headers).filter(([name]) => !FORMAT_HEADERS.includes(name))),
    readTime: (value, what) => {
      if (typeof value !== 'string') throw unexpected(what, 'an RFC 3339 time', value);
      return parseRfc3339(value, fault(what));
    },
  };
}

function toCertificates(x5c: unknown): readonly Uint8Array[] {
  if (!isStrings(x5c)) throw unexpected('x5c', 'an array of base64 certificates', x5c);
  return x5c.map((text, index) => decodeBase64(text, fault(`x5c[${index}]`)));
}

function toTimestampToken(found: unknown): Pick<DecodedEnvelope, 'timestampToken'> {
  if (found === undefined) return {};
  if (typeof found !== 'string') throw unexpected(TIMESTAMP_SIGNATURE, 'base64', found);
  return { timestampToken: decodeBase64(found, fault(TIMESTAMP_SIGNATURE)) };
}

function toSigningAgent(found: unknown): Pick<DecodedEnvelope, 'signingAgent'> {
  return typeof found === 'string' ? { signingAgent: found } : {};
}

function parseObject(bytes: Uint8Array, what: string): JsonObject {
  const value = parseStrictJson(bytes, {
    ...fault(what),
    maxBytes: MAX_ENVELOPE_BYTES,
    maxValues: MAX_ENVELOPE_VALUES,
  });
  if (!isJsonObject(value)) throw unexpected(what, 'an object', value);
  return value;
}

function textOf(object: JsonObject, member: string): string {
  const value = object[member];
  if (typeof value !== 'string') throw unexpected(member, 'a string', value);
  return value;
}

function base64url(text: string, what: string): Uint8Array {
  return decodeBase64url(text, fault(what));
}

function fault(what: string): { readonly what: string; readonly code: 'envelope_invalid' } {
  return { what: `signature envelope: ${what}`, code: 'envelope_invalid' };
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
