// CertID (RFC 6960 4.1.1): how OCSP names a certificate, by hashes of its issuer and its serial number.
import { hash, sha1Name } from '../encoding/crypto.ts';
import { DER_TAGS, DerReader } from '../encoding/der.ts';
import { decodeBitString, decodeInteger } from '../encoding/der-value.ts';
import { readAlgorithmIdentifier } from '../x509/algorithm-identifier.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { IssuedCertificate } from './status.ts';

export interface CertId {
  /** Dotted object identifier. */
  readonly hashAlgorithm: string;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Content octets of the INTEGER. */
  readonly serialNumber: Uint8Array;
}

export const SHA1 = '1.3.14.3.2.26';

/** A responder may answer by another hash than it was asked by; it names the same certificate. */
const HASHES: ReadonlyMap<string, (bytes: Uint8Array) => Uint8Array> = new Map([
  [SHA1, sha1Name],
  ['2.16.840.1.101.3.4.2.1', (bytes) => hash('sha256', bytes)],
]);

/** Reads a CertID. Throws the reader's code. */
export function readCertId(reader: DerReader): CertId {
  const inside = reader.enter(DER_TAGS.sequence, 'certificate id');
  const { oid } = readAlgorithmIdentifier(inside, 'hash algorithm');
  const issuerNameHash = inside.read(DER_TAGS.octetString, 'issuer name hash').content;
  const issuerKeyHash = inside.read(DER_TAGS.octetString, 'issuer key hash').content;
  const serialNumber = decodeInteger(inside.read(DER_TAGS.integer, 'serial number'));
  inside.end('certificate id');
  return { hashAlgorithm: oid, issuerNameHash, issuerKeyHash, serialNumber };
}

/**
 * Tells whether a CertID means this certificate of this issuer. All three parts count: by its serial
 * number alone, the answer for a certificate of another CA would pass for the answer for this one.
 */
export function namesCertificate(id: CertId, { certificate, issuer }: IssuedCertificate): boolean {
  const digest = HASHES.get(id.hashAlgorithm);
  return (
    digest !== undefined &&
    isEqual(id.issuerNameHash, digest(issuer.subject.raw)) &&
    isEqual(id.issuerKeyHash, digest(keyBits(issuer))) &&
    isEqual(id.serialNumber, certificate.serialNumber)
  );
}

/**
 * What a certificate's answers are filed under: the three parts of its CertID by SHA-1, in hexadecimal.
 * Whether an answer found there is on this certificate its own CertID tells.
 */
export function certIdLabel({ certificate, issuer }: IssuedCertificate): string {
  const parts = [sha1Name(issuer.subject.raw), sha1Name(keyBits(issuer)), certificate.serialNumber];
  return parts.map((part) => Buffer.from(part).toString('hex')).join(':');
}

/** The subject public key without its BIT STRING header, over which OCSP hashes. */
export function keyBits({ publicKey }: Certificate): Uint8Array {
  const reader = new DerReader(publicKey.spki, 'public key', 'certificate_invalid');
  const inside = reader.enter(DER_TAGS.sequence, 'public key');
  inside.read(DER_TAGS.sequence, 'algorithm');
  return decodeBitString(inside.read(DER_TAGS.bitString, 'public key')).bytes;
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
