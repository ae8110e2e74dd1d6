// Which certificate signed a timestamp token: the attribute signingCertificateV2 (RFC 5035 section
// 3, RFC 5816 section 2.2.1).
import { AgentError } from '../../errors.ts';
import { hash, type HashAlgorithm } from '../encoding/crypto.ts';
import { contextTag, DER_TAGS, type DerReader } from '../encoding/der.ts';
import { decodeInteger } from '../encoding/der-value.ts';
import type { Certificate } from '../x509/certificate.ts';
import { readName } from '../x509/name.ts';
import { readHashAlgorithm } from './hash-algorithm.ts';
import { TOKEN } from './token.ts';

/** The name of a certificate by who issued it. */
export interface IssuerSerial {
  /** DER of the issuer's distinguished name. */
  readonly issuer: Uint8Array;
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array;
}

/** The first ESSCertIDv2 of the attribute; the others, of issuers, need not be there and are ignored. */
export interface SigningCertificateId {
  readonly hashAlgorithm: HashAlgorithm;
  /** Of the whole certificate. */
  readonly certificateHash: Uint8Array;
  readonly issuerSerial?: IssuerSerial;
}

/** Parses the attribute's one value. Throws the reader's code or `algorithm_unsupported`. */
export function parseSigningCertificate(values: DerReader): SigningCertificateId {
  const field = 'signing certificate';
  const attribute = values.enter(DER_TAGS.sequence, field);
  values.end(field);
  const certificates = attribute.enter(DER_TAGS.sequence, field);
  attribute.readOptional(DER_TAGS.sequence, `${field}: policies`);
  attribute.end(field);
  const first = certificates.enter(DER_TAGS.sequence, field);
  // SHA-256 is the default; DER would leave it out, but authorities that write it are common.
  const hashAlgorithm =
    first.peek() === DER_TAGS.sequence ? readHashAlgorithm(first, `${field}: hash`) : 'sha256';
  const { content: certificateHash } = first.read(DER_TAGS.octetString, `${field}: hash`);
  if (first.peek() === undefined) return { hashAlgorithm, certificateHash };
  const issuerSerial = readIssuerSerial(first.enter(DER_TAGS.sequence, `${field}: issuer`));
  first.end(field);
  return { hashAlgorithm, certificateHash, issuerSerial };
}

/**
 * Finds the certificate that signed: the one that the signer's identifier names, that the attribute
 * does not name otherwise, and that has the hash in the attribute. The identifier alone is not signed,
 * and could be changed to another certificate of the same key. Throws `timestamp_invalid`.
 */
export function findSigningCertificate(
  certificates: readonly Certificate[],
  signer: IssuerSerial,
  { hashAlgorithm, certificateHash, issuerSerial = signer }: SigningCertificateId,
): Certificate {
  if (!isSame(issuerSerial, signer)) {
    throw invalid('expected one signing certificate, found two (identifier and attribute)');
  }
  const named = certificates.filter(({ issuer, serialNumber }) =>
    isSame({ issuer: issuer.raw, serialNumber }, signer),
  );
  if (named.length === 0) throw invalid('expected the certificate of its signer in it, found none');
  const found = named.find(
    ({ raw }) => Buffer.compare(hash(hashAlgorithm, raw), certificateHash) === 0,
  );
  if (found === undefined) {
    throw invalid('expected a signing certificate with the hash in its attribute, found another');
  }
  return found;
}

/** Reads IssuerAndSerialNumber (RFC 5652 10.2.4). Throws the reader's code. */
export function readIssuerAndSerialNumber(reader: DerReader): IssuerSerial {
  const issuer = readName(reader, 'issuer of the signing certificate').raw;
  const serialNumber = decodeInteger(reader.read(DER_TAGS.integer, 'serial number'));
  reader.end('serial number');
  return { issuer, serialNumber };
}

/** IssuerSerial (RFC 5035 section 5): its GeneralNames hold one directoryName. */
function readIssuerSerial(reader: DerReader): IssuerSerial {
  const names = reader.enter(DER_TAGS.sequence, 'issuer names');
  const wrapper = names.enter(contextTag(4), 'issuer name');
  names.end('issuer names');
  const issuer = readName(wrapper, 'issuer name').raw;
  wrapper.end('issuer name');
  const serialNumber = decodeInteger(reader.read(DER_TAGS.integer, 'serial number'));
  reader.end('serial number');
  return { issuer, serialNumber };
}

function isSame(one: IssuerSerial, other: IssuerSerial): boolean {
  return (
    Buffer.compare(one.issuer, other.issuer) === 0 &&
    Buffer.compare(one.serialNumber, other.serialNumber) === 0
  );
}

function invalid(fault: string): AgentError {
  return new AgentError('timestamp_invalid', `${TOKEN}: ${fault}`);
}
