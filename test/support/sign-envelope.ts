// Signs Notary Project envelopes, JWS and COSE, with a knob for everything that can be wrong with one.
import { constants, sign } from 'node:crypto';
import { cbor, type CborInput } from './cbor.ts';
import type { TestCertificate } from './certificate.ts';
import type { KeyType, TestKey } from './keys.ts';

export type EnvelopeFormat = 'jws' | 'cose';
export type AlgorithmName = keyof typeof COSE_ALGORITHMS;

const COSE_ALGORITHMS = {
  PS256: -37,
  PS384: -38,
  PS512: -39,
  ES256: -7,
  ES384: -35,
  ES512: -36,
} as const;

const ALGORITHM_OF_KEY: Readonly<Partial<Record<KeyType, AlgorithmName>>> = {
  'rsa-2048': 'PS256',
  'rsa-3072': 'PS384',
  'rsa-4096': 'PS512',
  p256: 'ES256',
  p384: 'ES384',
  p521: 'ES512',
};

/** A tag-1 time in COSE and an RFC 3339 time in JWS: what a signer writes for a `Date`. */
type AttributeValue = CborInput | Date;

export interface EnvelopeOptions {
  readonly format: EnvelopeFormat;
  /** Signs, and gives the certificate chain. */
  readonly signer: TestCertificate;
  /** The descriptor that is signed. Default: `TARGET`. */
  readonly target?: unknown;
  /** The payload, instead of the JSON document around `target`. */
  readonly payload?: Uint8Array;

  /** Overrides the chain of `signer`. */
  readonly chain?: readonly Uint8Array[];
  /** Overrides the key of `signer`. */
  readonly key?: TestKey;
  /** What the `alg` header says; `null` leaves it out. Default: by the key. */
  readonly alg?: string | number | null;
  /** How it is really signed. Default: by the key. */
  readonly algorithm?: AlgorithmName;
  /** Of RSA-PSS, in bytes. Default: as long as the hash. */
  readonly saltLength?: number;

  readonly contentType?: string | null;
  readonly scheme?: string | null;
  /** Default: `SIGNING_TIME` in the attribute that the scheme asks for. */
  readonly signingTime?: AttributeValue;
  readonly authenticSigningTime?: AttributeValue;
  /** Default: none. */
  readonly expiry?: AttributeValue;
  /** Further signed attributes; COSE alone can have integer labels. */
  readonly attributes?: ReadonlyMap<string | number, AttributeValue>;
  /** The `crit` header; `null` leaves it out. Default: what the specification asks for. */
  readonly crit?: CborInput;
  /** Overrides and additions in the unsigned header, by name or label. */
  readonly unsigned?: ReadonlyMap<string | number, CborInput>;
  /** Bytes, or what an authority makes of the signature. */
  readonly timestampToken?: Uint8Array | ((signature: Uint8Array) => Uint8Array);
  readonly signingAgent?: string;

  /** Changes the encoded protected headers before they are signed. */
  readonly editProtected?: (encoded: Buffer) => Uint8Array;
  /** Replaces parts after signing. */
  readonly tamper?: (parts: SignedParts) => Partial<SignedParts>;
}

export interface SignedParts {
  readonly protected: Uint8Array;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

export const MEDIA_TYPES = { jws: 'application/jose+json', cose: 'application/cose' } as const;
export const SIGNING_TIME = new Date('2026-01-02T03:04:05Z');
export const TARGET = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: `sha256:${'ab'.repeat(32)}`,
  size: 528,
};
const PREFIX = 'io.cncf.notary.';
const PAYLOAD_TYPE = 'application/vnd.cncf.notary.payload.v1+json';
const SIGNING_AGENT = 'nodeseal-test/1.0';

/** Signs an envelope: by default one that is good in every respect. */
export function signEnvelope(options: EnvelopeOptions): Buffer {
  const key = options.key ?? options.signer.key;
  const algorithm = options.algorithm ?? ALGORITHM_OF_KEY[key.type] ?? 'PS256';
  const payload =
    options.payload ?? Buffer.from(JSON.stringify({ targetArtifact: options.target ?? TARGET }));
  const encoded = (options.format === 'jws' ? encodeJwsHeaders : encodeCoseHeaders)(
    options,
    algorithm,
  );
  const headers = options.editProtected?.(encoded) ?? encoded;
  const signature = signBytes(
    algorithm,
    key,
    toBeSigned(options.format, headers, payload),
    options.saltLength,
  );
  const parts = { protected: headers, payload, signature };
  const final = { ...parts, ...options.tamper?.(parts) };
  return options.format === 'jws' ? encodeJws(options, final) : encodeCose(options, final);
}

/** Signs bytes the way an envelope is signed. */
export function signBytes(
  algorithm: AlgorithmName,
  key: TestKey,
  bytes: Uint8Array,
  saltLength: number = constants.RSA_PSS_SALTLEN_DIGEST,
): Buffer {
  const hash = `sha${algorithm.slice(2)}`;
  return algorithm.startsWith('PS')
    ? sign(hash, bytes, {
        key: key.privateKey,
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength,
      })
    : sign(hash, bytes, { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
}

/** The bytes that a signature covers. */
export function toBeSigned(
  format: EnvelopeFormat,
  headers: Uint8Array,
  payload: Uint8Array,
): Buffer {
  return format === 'jws'
    ? Buffer.from(`${base64url(headers)}.${base64url(payload)}`, 'latin1')
    : cbor(['Signature1', headers, Buffer.alloc(0), payload]);
}

/** The signed attributes that both formats share, in the order that notation writes them. */
function signedAttributes(options: EnvelopeOptions): Map<string | number, AttributeValue> {
  const scheme = options.scheme === undefined ? 'notary.x509' : options.scheme;
  const authority = scheme === 'notary.x509.signingAuthority';
  const {
    signingTime = authority ? null : SIGNING_TIME,
    authenticSigningTime = authority ? SIGNING_TIME : null,
    expiry = null,
  } = options;
  const all: [string | number, AttributeValue][] = [
    [`${PREFIX}signingScheme`, scheme],
    [`${PREFIX}signingTime`, signingTime],
    [`${PREFIX}authenticSigningTime`, authenticSigningTime],
    [`${PREFIX}expiry`, expiry],
    ...(options.attributes ?? []),
  ];
  return new Map(all.filter(([, value]) => value !== null));
}

function criticalLabels(
  options: EnvelopeOptions,
  attributes: ReadonlyMap<unknown, unknown>,
): CborInput {
  if (options.crit !== undefined) return options.crit;
  return ['signingScheme', 'authenticSigningTime', 'expiry']
    .map((attribute) => PREFIX + attribute)
    .filter((attribute) => attributes.has(attribute));
}

function encodeJwsHeaders(options: EnvelopeOptions, algorithm: AlgorithmName): Buffer {
  const attributes = signedAttributes(options);
  const headers = new Map<string | number, AttributeValue>([
    ['alg', options.alg === undefined ? algorithm : options.alg],
    ['cty', options.contentType === undefined ? PAYLOAD_TYPE : options.contentType],
    ['crit', criticalLabels(options, attributes)],
    ...attributes,
  ]);
  const present = [...headers].filter(([, value]) => value !== null);
  return Buffer.from(
    JSON.stringify(
      Object.fromEntries(
        present.map(([label, value]) => [label, value instanceof Date ? rfc3339(value) : value]),
      ),
    ),
  );
}

function encodeCoseHeaders(options: EnvelopeOptions, algorithm: AlgorithmName): Buffer {
  const attributes = signedAttributes(options);
  const headers = new Map<string | number, AttributeValue>([
    [1, options.alg === undefined ? COSE_ALGORITHMS[algorithm] : options.alg],
    [2, criticalLabels(options, attributes)],
    [3, options.contentType === undefined ? PAYLOAD_TYPE : options.contentType],
    ...attributes,
  ]);
  const present = [...headers].filter(([, value]) => value !== null);
  return cbor(
    new Map(
      present.map(([label, value]) => [
        label,
        value instanceof Date ? { tag: 1, value: value.getTime() / 1000 } : value,
      ]),
    ),
  );
}

function encodeJws(options: EnvelopeOptions, parts: SignedParts): Buffer {
  const token = tokenOf(options, parts);
  const header = {
    x5c: (options.chain ?? options.signer.chain).map((der) => Buffer.from(der).toString('base64')),
    [`${PREFIX}signingAgent`]: options.signingAgent ?? SIGNING_AGENT,
    ...(token === undefined
      ? {}
      : { [`${PREFIX}timestampSignature`]: Buffer.from(token).toString('base64') }),
    ...Object.fromEntries(options.unsigned ?? []),
  };
  return Buffer.from(
    JSON.stringify({
      payload: base64url(parts.payload),
      protected: base64url(parts.protected),
      header,
      signature: base64url(parts.signature),
    }),
  );
}

function encodeCose(options: EnvelopeOptions, parts: SignedParts): Buffer {
  const token = tokenOf(options, parts);
  const unprotected = new Map<CborInput, CborInput>([
    [33, options.chain ?? options.signer.chain],
    [`${PREFIX}signingAgent`, options.signingAgent ?? SIGNING_AGENT],
    ...(token === undefined ? [] : [[`${PREFIX}timestampSignature`, token] as const]),
    ...(options.unsigned ?? []),
  ]);
  return cbor({ tag: 18, value: [parts.protected, unprotected, parts.payload, parts.signature] });
}

function tokenOf({ timestampToken }: EnvelopeOptions, { signature }: SignedParts) {
  return typeof timestampToken === 'function' ? timestampToken(signature) : timestampToken;
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function rfc3339(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z');
}
