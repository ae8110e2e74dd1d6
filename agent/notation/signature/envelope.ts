// Signature envelopes of either format, read and held to the rules of the specification; nothing is trusted yet.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { SignatureAlgorithm } from '../encoding/crypto.ts';
import { MAX_CHAIN_LENGTH } from '../x509/chain.ts';
import { parseSignedAttributes, type SignedAttributes } from './attributes.ts';
import { decodeCose } from './cose.ts';
import { type DecodedEnvelope, MAX_ENVELOPE_BYTES, unexpected } from './decoded-envelope.ts';
import { decodeJws } from './jws.ts';
import { PAYLOAD_CONTENT_TYPE } from './payload.ts';

/** Media types of the layer that holds the envelope. */
export const JWS_MEDIA_TYPE = 'application/jose+json';
export const COSE_MEDIA_TYPE = 'application/cose';

/** What an envelope says of its signature, apart from the payload and the certificates. */
export interface SignatureClaims extends SignedAttributes {
  readonly algorithm: SignatureAlgorithm;
  /** The primitive signature: what a timestamp is made over. */
  readonly signatureValue: Uint8Array;
  /** Unsigned RFC 3161 TimeStampToken, not looked into. */
  readonly timestampToken?: Uint8Array;
  /** Unsigned and opaque: for diagnosis only. */
  readonly signingAgent?: string;
}

/**
 * An envelope whose structure and attributes are in order. Anybody can make one: pass it to
 * `verifyIntegrity` before believing anything that it says.
 */
export interface SignatureEnvelope {
  readonly claims: SignatureClaims;
  /** The bytes that the signature covers: protected headers and payload. */
  readonly signedBytes: Uint8Array;
  readonly payload: Uint8Array;
  /** DER, leaf first if the signer kept to the specification. */
  readonly certificates: readonly Uint8Array[];
}

/**
 * Parses an envelope of the format that `mediaType` names, and checks its size, structure and signed
 * attributes. Certificates, signature and payload are not looked into. The value may hold views into
 * `bytes`, which must not change afterwards. Throws `envelope_unsupported`, `envelope_invalid`,
 * `attribute_unsupported`, `algorithm_unsupported`, `certificate_chain_invalid` (empty or too long),
 * or `payload_invalid` (content type).
 */
export function parseEnvelope(bytes: Uint8Array, mediaType: string): SignatureEnvelope {
  if (bytes.length > MAX_ENVELOPE_BYTES) {
    throw unexpected('size', `at most ${MAX_ENVELOPE_BYTES} bytes`, bytes.length);
  }
  const { signed, contentType, signedBytes, payload, certificates, ...claims } = decodeEnvelope(
    bytes,
    mediaType,
  );
  if (contentType !== PAYLOAD_CONTENT_TYPE) {
    throw new AgentError(
      'payload_invalid',
      `signature envelope: content type: expected ${PAYLOAD_CONTENT_TYPE}, found ${show(contentType)}`,
    );
  }
  if (payload.length === 0) throw unexpected('payload', 'bytes', 'none');
  if (claims.signatureValue.length === 0) throw unexpected('signature', 'bytes', 'none');
  const { length } = certificates;
  if (length === 0 || length > MAX_CHAIN_LENGTH) {
    throw new AgentError(
      'certificate_chain_invalid',
      `signature envelope: expected 1 to ${MAX_CHAIN_LENGTH} certificates, found ${length}`,
    );
  }
  const attributes = parseSignedAttributes(signed);
  return { claims: { ...claims, ...attributes }, signedBytes, payload, certificates };
}

function decodeEnvelope(bytes: Uint8Array, mediaType: string): DecodedEnvelope {
  switch (mediaType) {
    case JWS_MEDIA_TYPE:
      return decodeJws(bytes);
    case COSE_MEDIA_TYPE:
      return decodeCose(bytes);
    default:
      throw new AgentError(
        'envelope_unsupported',
        `signature envelope: expected media type ${JWS_MEDIA_TYPE} or ${COSE_MEDIA_TYPE}, found ${show(mediaType)}`,
      );
  }
}
