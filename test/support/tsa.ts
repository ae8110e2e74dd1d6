// A timestamping authority of our own: RFC 3161 tokens, with a knob for everything that can be wrong with one.
import { createHash } from 'node:crypto';
import { createCa, subjectNamed, type CaOptions } from './ca.ts';
import {
  algorithmIdentifier,
  type CertificateSignatureName,
  defaultSignature,
  signatureValue,
} from './certificate-signature.ts';
import type { CertificateOptions, TestCertificate } from './certificate.ts';
import {
  der,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
} from './der.ts';
import { type KeyType, testKey } from './keys.ts';
import { hashIdentifier, type HashName, tstInfo, type TstInfoOptions } from './tsa-info.ts';
import { parseCertificate } from '../../agent/notation/x509/certificate.ts';

export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
export const TST_INFO = '1.2.840.113549.1.9.16.1.4';

/** The types of signed attributes that tokens have. */
export const ATTRIBUTES = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  signingCertificate: '1.2.840.113549.1.9.16.2.12',
  signingCertificateV2: '1.2.840.113549.1.9.16.2.47',
} as const;

/** What of ESSCertIDv2 to write. */
export interface SigningCertificateOptions {
  /** Default: SHA-256, left out. */
  readonly hash?: HashName;
  /** Default: of the certificate that signs. */
  readonly certificate?: Uint8Array;
  /** Default: issuer and serial number of that certificate; `null` leaves it out. */
  readonly issuerSerial?: Uint8Array | null;
  /** Further ESSCertIDv2 after the first. */
  readonly others?: readonly Uint8Array[];
}

/** What can differ from one signer to the next; the defaults make a good one. */
export interface SignerOptions {
  readonly version?: number;
  /** Default: issuer and serial number of the certificate. */
  readonly identifier?: Uint8Array;
  readonly digest?: HashName;
  /** How it is really signed. Default: by the key, with the hash of `digest`. */
  readonly signature?: CertificateSignatureName;
  /** What the signature algorithm field says. */
  readonly signatureAlgorithm?: Uint8Array;
  readonly signingCertificate?: SigningCertificateOptions;
  /** Default: none. */
  readonly signingTime?: Date;
  /** SETs of values by type, instead of or on top of the others; `null` leaves one out. */
  readonly attributes?: Readonly<Record<string, Uint8Array | null>>;
  /** Changes the encoded attributes, in order, before they are signed; `null`: no signed attributes. */
  readonly editAttributes?: ((attributes: readonly Buffer[]) => readonly Uint8Array[]) | null;
  /** Replaces the signature. */
  readonly tamper?: (signature: Buffer) => Uint8Array;
  /** Appended after the signature, such as unsigned attributes. */
  readonly trailer?: Uint8Array;
}

export interface TokenOptions extends SignerOptions {
  readonly info?: TstInfoOptions;
  /** The encapsulated content, instead of a TSTInfo. */
  readonly content?: Uint8Array;
  readonly contentInfoType?: string;
  readonly signedDataVersion?: number;
  readonly contentType?: string;
  /** DER. Default: the authority's chain without its root; `null` leaves the field out. */
  readonly certificates?: readonly Uint8Array[] | null;
  /** Between certificates and signers. */
  readonly revocationLists?: Uint8Array;
  /** Default: one signer, as the options say. */
  readonly signers?: readonly SignerOptions[];
}

export interface TestTsa {
  readonly root: TestCertificate;
  /** What issued the signer: the lowest intermediate, or else the root. */
  readonly issuer: TestCertificate;
  readonly signer: TestCertificate;
  /** A TimeStampToken over `message`. */
  readonly stamp: (message: Uint8Array, options?: TokenOptions) => Buffer;
}

export interface TsaOptions extends CaOptions {
  readonly signerKey?: KeyType;
  readonly signer?: CertificateOptions;
}

/** Creates an authority under a root of its own. Default: all keys P-256, no intermediate. */
export function createTsa(options: TsaOptions = {}): TestTsa {
  const { name = 'TSA', signerKey = 'p256' } = options;
  const ca = createCa({ ...options, name });
  const signer = ca.issue({
    subject: subjectNamed(`${name} unit`),
    key: testKey(signerKey, `${name} unit`),
    extendedKeyUsage: { oids: [TIME_STAMPING], critical: true },
    ...options.signer,
  });
  const { root, issuer } = ca;
  return { root, issuer, signer, stamp: (message, token) => stampWith(signer, message, token) };
}

/** A TimeStampToken over `message` by a certificate, whatever that is good for. */
export function stampWith(
  signer: TestCertificate,
  message: Uint8Array,
  options: TokenOptions = {},
): Buffer {
  const content = options.content ?? tstInfo(message, options.info);
  const { certificates = signer.chain.slice(0, -1), signers = [options] } = options;
  return sequence(
    objectIdentifier(options.contentInfoType ?? '1.2.840.113549.1.7.2'),
    explicit(
      0,
      sequence(
        integer(options.signedDataVersion ?? 3),
        set(hashIdentifier(options.digest ?? 'sha256')),
        sequence(
          objectIdentifier(options.contentType ?? TST_INFO),
          explicit(0, octetString(content)),
        ),
        ...(certificates === null ? [] : [explicit(0, ...certificates)]),
        options.revocationLists ?? Buffer.alloc(0),
        set(...signers.map((one) => signerInfo(signer, content, one))),
      ),
    ),
  );
}

/** IssuerAndSerialNumber of a certificate. */
export function issuerAndSerialNumber(certificate: Uint8Array): Buffer {
  return sequence(...issuerAndSerial(certificate));
}

/** IssuerSerial of a certificate, as signingCertificateV2 has it. */
export function issuerSerial(certificate: Uint8Array): Buffer {
  const [issuer, serialNumber] = issuerAndSerial(certificate);
  return sequence(sequence(explicit(4, issuer)), serialNumber);
}

function signerInfo(signer: TestCertificate, content: Uint8Array, options: SignerOptions): Buffer {
  const { digest = 'sha256', editAttributes } = options;
  const signature = options.signature ?? withHash(defaultSignature(signer.key), digest);
  const attributes = encodeAttributes(signer, content, digest, options);
  const edited = editAttributes === null ? null : (editAttributes?.(attributes) ?? attributes);
  const value = signatureValue(edited ? set(...edited) : content, signature, signer.key);
  return sequence(
    integer(options.version ?? 1),
    options.identifier ?? issuerAndSerialNumber(signer.der),
    hashIdentifier(digest),
    edited ? explicit(0, ...edited) : Buffer.alloc(0),
    options.signatureAlgorithm ?? algorithmIdentifier(signature),
    octetString(options.tamper?.(value) ?? value),
    options.trailer ?? Buffer.alloc(0),
  );
}

/** In the order of DER. */
function encodeAttributes(
  signer: TestCertificate,
  content: Uint8Array,
  digest: HashName,
  options: SignerOptions,
): Buffer[] {
  const { signingTime, attributes = {} } = options;
  const messageDigest = createHash(digest).update(content).digest();
  const values: Record<string, Uint8Array | null> = {
    [ATTRIBUTES.contentType]: set(objectIdentifier(TST_INFO)),
    [ATTRIBUTES.messageDigest]: set(octetString(messageDigest)),
    [ATTRIBUTES.signingTime]: signingTime === undefined ? null : set(time(signingTime)),
    [ATTRIBUTES.signingCertificateV2]: set(
      signingCertificateV2(signer.der, options.signingCertificate),
    ),
    ...attributes,
  };
  return Object.entries(values)
    .flatMap(([oid, value]) => (value === null ? [] : [sequence(objectIdentifier(oid), value)]))
    .sort((one, other) => Buffer.compare(one, other));
}

/** The value of the attribute signingCertificateV2. */
export function signingCertificateV2(
  signer: Uint8Array,
  options: SigningCertificateOptions = {},
): Buffer {
  const { hash, certificate = signer, others = [] } = options;
  const digest = createHash(hash ?? 'sha256')
    .update(certificate)
    .digest();
  const { issuerSerial: name = issuerSerial(certificate) } = options;
  const first = sequence(
    ...(hash === undefined ? [] : [hashIdentifier(hash)]),
    octetString(digest),
    ...(name === null ? [] : [name]),
  );
  return sequence(sequence(first, ...others));
}

function issuerAndSerial(certificate: Uint8Array): [issuer: Uint8Array, serialNumber: Uint8Array] {
  const { issuer, serialNumber } = parseCertificate(certificate, 'test certificate');
  return [issuer.raw, der(0x02, serialNumber)];
}

/** The same algorithm with another hash: RSA and ECDSA are named alike for each of them. */
function withHash(signature: CertificateSignatureName, hash: HashName): CertificateSignatureName {
  return signature.replace(/sha\d+$/, hash) as CertificateSignatureName;
}
