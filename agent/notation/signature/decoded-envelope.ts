// What both envelope formats decode to; the rules that they share are written once, around it.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { SignatureAlgorithm } from '../encoding/crypto.ts';

/** Attributes have names; COSE also allows integers. */
export type AttributeLabel = string | number | bigint;

/** The signed attributes, without the headers of the format itself (algorithm, content type, crit). */
export interface SignedHeaders {
  /** What `crit` lists: not empty, each once; not yet known to be present or understood. */
  readonly critical: readonly AttributeLabel[];
  readonly values: ReadonlyMap<AttributeLabel, unknown>;
  /** Reads a value that has to be a time in this format, or throws `envelope_invalid`. */
  readonly readTime: (value: unknown, what: string) => Date;
}

/** An envelope taken apart. Nothing has been verified. */
export interface DecodedEnvelope {
  /** What the envelope says; the leaf certificate decides. */
  readonly algorithm: SignatureAlgorithm;
  readonly contentType: string;
  readonly signed: SignedHeaders;
  /** The bytes that the signature covers: protected headers and payload. */
  readonly signedBytes: Uint8Array;
  readonly payload: Uint8Array;
  readonly signatureValue: Uint8Array;
  /** DER, as found: leaf first if the signer kept to the specification. */
  readonly certificates: readonly Uint8Array[];
  /** RFC 3161 TimeStampToken, not looked into. */
  readonly timestampToken?: Uint8Array;
  /** Opaque: a verifier MUST NOT act on it. */
  readonly signingAgent?: string;
}

export const TIMESTAMP_SIGNATURE = 'io.cncf.notary.timestampSignature';
export const SIGNING_AGENT = 'io.cncf.notary.signingAgent';

/**
 * A chain, a timestamp token and a descriptor are 10 to 20 KiB. notation allows 32 MiB, which would
 * let one signature take several times that from a node on every pull; registries commonly hold
 * manifests, which are of the same kind, to 4 MiB.
 */
export const MAX_ENVELOPE_BYTES = 4 * 1024 * 1024;

/** JSON values of an envelope, its headers or its payload: several hundred times what there are. */
export const MAX_ENVELOPE_VALUES = 10_000;

/** `envelope_invalid` for a value other than the expected one. */
export function unexpected(what: string, expected: string, found: unknown): AgentError {
  return new AgentError(
    'envelope_invalid',
    `signature envelope: ${what}: expected ${expected}, found ${show(found)}`,
  );
}

/** `algorithm_unsupported` for what the algorithm header says. */
export function unsupportedAlgorithm(found: unknown): AgentError {
  return new AgentError(
    'algorithm_unsupported',
    `signature envelope: alg: expected PS256, PS384, PS512, ES256, ES384 or ES512, found ${show(found)}`,
  );
}
