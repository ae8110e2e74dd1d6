// CRLs, complete and delta (RFC 5280 5.1): DER in, a readonly value out. Nothing about it is trusted yet.
import { contextTag, DER_TAGS, DerReader } from '../encoding/der.ts';
import {
  decodeBitString,
  decodeInteger,
  decodeSmallInteger,
  decodeTime,
} from '../encoding/der-value.ts';
import { type AlgorithmIdentifier, readAlgorithmIdentifier } from '../x509/algorithm-identifier.ts';
import { type DistinguishedName, readName } from '../x509/name.ts';
import { readCrlAddresses } from '../x509/revocation-addresses.ts';
import { CrlEntries } from './crl-entries.ts';
import { invalidEvidence } from './evidence-fault.ts';
import {
  type IssuingDistributionPoint,
  parseIssuingDistributionPoint,
} from './issuing-distribution-point.ts';
import { EXTENSIONS, readSignedExtensions, type SignedExtensions } from './signed-extensions.ts';

export interface CertificateList {
  /** DER of the part that is signed. */
  readonly tbs: Uint8Array;
  readonly issuer: DistinguishedName;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly entries: CrlEntries;
  readonly number: bigint | undefined;
  /** Of a delta CRL: the number of the oldest complete CRL that it can be joined to. */
  readonly deltaBase: bigint | undefined;
  readonly distributionPoint:
    (IssuingDistributionPoint & { /** Its DER. */ readonly raw: Uint8Array }) | undefined;
  /** URIs of the delta CRL, in order; undefined when there is none. */
  readonly freshest: readonly string[] | undefined;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
  /** Names it in messages. */
  readonly what: string;
}

/** The same bound as notation-go's. Busy public CAs shard theirs to below 10 MiB. */
export const MAX_CRL_BYTES = 32 * 1024 * 1024;

const UNDERSTOOD = [
  EXTENSIONS.authorityKeyIdentifier,
  EXTENSIONS.crlNumber,
  EXTENSIONS.deltaCrlIndicator,
  EXTENSIONS.freshestCrl,
  EXTENSIONS.issuingDistributionPoint,
];

/**
 * Parses one CRL, strictly and without trailing bytes; its entries are checked for their form only.
 * Who signed it, what it covers and for when, is not checked. The value holds views into `bytes`.
 * Throws `revocation_evidence_invalid`.
 */
export function parseCertificateList(bytes: Uint8Array, what: string): CertificateList {
  if (bytes.length > MAX_CRL_BYTES) {
    throw invalidEvidence(what, `expected at most ${MAX_CRL_BYTES} bytes, found ${bytes.length}`);
  }
  const whole = new DerReader(bytes, what, 'revocation_evidence_invalid');
  const outer = whole.enter(DER_TAGS.sequence, 'CRL');
  whole.end('CRL');
  const tbs = outer.read(DER_TAGS.sequence, 'to be signed');
  const signatureAlgorithm = readAlgorithmIdentifier(outer, 'signature algorithm');
  const signature = decodeBitString(outer.read(DER_TAGS.bitString, 'signature'));
  outer.end('CRL');
  if (signature.unusedBits !== 0)
    throw invalidEvidence(what, 'expected a signature of whole bytes');
  const { signedAlgorithm, ...fields } = readToBeSigned(outer.open(tbs));
  // RFC 5280 5.1.1.2: the unsigned name of the algorithm must repeat the signed one.
  if (Buffer.compare(signedAlgorithm.raw, signatureAlgorithm.raw) !== 0) {
    throw invalidEvidence(what, 'expected the same signature algorithm inside and outside');
  }
  return { tbs: tbs.raw, ...fields, signatureAlgorithm, signature: signature.bytes, what };
}

type ToBeSigned = Omit<CertificateList, 'tbs' | 'signatureAlgorithm' | 'signature' | 'what'> & {
  readonly signedAlgorithm: AlgorithmIdentifier;
};

function readToBeSigned(reader: DerReader): ToBeSigned {
  const { what } = reader;
  const version = reader.readOptional(DER_TAGS.integer, 'version');
  // Encoded one less than called; version 1, which has no extensions, is not written.
  if (version !== undefined && decodeSmallInteger(version) !== 1) {
    throw invalidEvidence(what, 'expected version 2 where a version is written');
  }
  const signedAlgorithm = readAlgorithmIdentifier(reader, 'signature algorithm');
  const issuer = readName(reader, 'issuer');
  const thisUpdate = decodeTime(reader.readAny('this update'));
  const isTime = reader.peek() === DER_TAGS.utcTime || reader.peek() === DER_TAGS.generalizedTime;
  const nextUpdate = isTime ? decodeTime(reader.readAny('next update')) : undefined;
  const entries = reader.readOptional(DER_TAGS.sequence, 'entries');
  const extensions =
    version === undefined || reader.peek() === undefined ? new Map() : readExtensions(reader);
  reader.end('to be signed');
  return {
    signedAlgorithm,
    issuer,
    thisUpdate,
    nextUpdate,
    entries: new CrlEntries(entries?.content ?? new Uint8Array(), what),
    ...toFields(extensions),
  };
}

function readExtensions(reader: DerReader): SignedExtensions {
  const wrapper = reader.enter(contextTag(0), 'extensions');
  const extensions = readSignedExtensions(wrapper, UNDERSTOOD);
  wrapper.end('extensions');
  return extensions;
}

function toFields(
  extensions: SignedExtensions,
): Pick<CertificateList, 'number' | 'deltaBase' | 'distributionPoint' | 'freshest'> {
  const point = extensions.get(EXTENSIONS.issuingDistributionPoint);
  const freshest = extensions.get(EXTENSIONS.freshestCrl);
  return {
    number: readNumber(extensions, EXTENSIONS.crlNumber),
    deltaBase: readNumber(extensions, EXTENSIONS.deltaCrlIndicator),
    distributionPoint: point && { ...parseIssuingDistributionPoint(point), raw: point.content },
    freshest: freshest && readCrlAddresses(freshest.open()).flat(),
  };
}

/** RFC 5280 5.2.3: not negative, at most 20 octets. */
const MAX_NUMBER_OCTETS = 20;

function readNumber(extensions: SignedExtensions, oid: string): bigint | undefined {
  const value = extensions.get(oid);
  if (value === undefined) return undefined;
  const reader = value.open();
  const octets = decodeInteger(reader.read(DER_TAGS.integer, 'CRL number'));
  reader.end('CRL number');
  if ((octets[0] ?? 0) >= 0x80 || octets.length > MAX_NUMBER_OCTETS) {
    throw invalidEvidence(value.what, `expected a CRL number of up to ${MAX_NUMBER_OCTETS} octets`);
  }
  return BigInt(`0x${Buffer.from(octets).toString('hex')}`);
}
