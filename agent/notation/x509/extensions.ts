// Certificate extensions: the three that decide, where revocation is told, and which others there are (RFC 5280 4.2).
import { AgentError } from '../../errors.ts';
import { DER_TAGS, type DerElement, type DerReader } from '../encoding/der.ts';
import {
  decodeBitString,
  decodeBoolean,
  decodeObjectIdentifier,
  decodeSmallInteger,
} from '../encoding/der-value.ts';
import { readCrlAddresses, readOcspAccess } from './revocation-addresses.ts';

/** RFC 5280 4.2.1.3, in the order of their bits. */
export const KEY_USAGES = [
  'digitalSignature',
  'contentCommitment',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

/**
 * What signature-specification.md, "Other requirements" 4 lets count in a code-signing chain: basic
 * constraints, key usage and extended key usage. All others MUST NOT be evaluated there, critical or
 * not; they matter to revocation, and in chains of timestamping authorities and OCSP responders.
 */
export interface CertificateExtensions {
  readonly basicConstraints?: {
    readonly critical: boolean;
    readonly ca: boolean;
    /** Absent: any length. */
    readonly pathLength?: number;
  };
  readonly keyUsage?: { readonly critical: boolean; readonly usages: ReadonlySet<KeyUsage> };
  /** Purposes are dotted object identifiers. */
  readonly extendedKeyUsage?: {
    readonly critical: boolean;
    readonly purposes: ReadonlySet<string>;
  };
  /** Authority information access names an OCSP responder, in whatever form. */
  readonly namesOcsp: boolean;
  /** There are CRL distribution points, in whatever form. */
  readonly namesCrl: boolean;
  /** URIs of OCSP responders, in order and as written: attacker-controlled, not yet judged. */
  readonly ocspAddresses: readonly string[];
  /** The same of CRLs, for each distribution point; empty for one that names none by URI. */
  readonly crlAddresses: readonly (readonly string[])[];
  /** There is a freshest CRL extension (delta CRLs). */
  readonly hasFreshestCrl: boolean;
  /** id-pkix-ocsp-nocheck: the revocation of this OCSP responder need not be asked for. */
  readonly hasOcspNoCheck: boolean;
  /** All but the three that decide, in order. */
  readonly others: readonly OtherExtension[];
}

/** An extension that parsing does not evaluate. */
export interface OtherExtension {
  /** Dotted object identifier. */
  readonly oid: string;
  readonly critical: boolean;
}

const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const AUTHORITY_INFORMATION_ACCESS = '1.3.6.1.5.5.7.1.1';
const CRL_DISTRIBUTION_POINTS = '2.5.29.31';
const FRESHEST_CRL = '2.5.29.46';
const OCSP_NO_CHECK = '1.3.6.1.5.5.7.48.1.5';
const DECIDING = new Set([BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE]);

interface Extension {
  readonly critical: boolean;
  readonly value: DerElement;
}

/** What a certificate without extensions has. */
export const NO_EXTENSIONS: CertificateExtensions = {
  namesOcsp: false,
  namesCrl: false,
  ocspAddresses: [],
  crlAddresses: [],
  hasFreshestCrl: false,
  hasOcspNoCheck: false,
  others: [],
};

/** Reads the extensions; none may occur twice (RFC 5280 4.2). Throws the reader's code. */
export function readExtensions(reader: DerReader): CertificateExtensions {
  const found = new Map<string, Extension>();
  const list = reader.enter(DER_TAGS.sequence, 'extensions');
  do readExtension(list.enter(DER_TAGS.sequence, 'extension'), found);
  while (list.peek() !== undefined);
  reader.end('extensions');
  const basicConstraints = found.get(BASIC_CONSTRAINTS);
  const keyUsage = found.get(KEY_USAGE);
  const extendedKeyUsage = found.get(EXTENDED_KEY_USAGE);
  return {
    ...(basicConstraints && { basicConstraints: parseBasicConstraints(basicConstraints) }),
    ...(keyUsage && { keyUsage: parseKeyUsage(keyUsage) }),
    ...(extendedKeyUsage && { extendedKeyUsage: parseExtendedKeyUsage(extendedKeyUsage) }),
    ...readMeansOfRevocation(found),
    hasFreshestCrl: found.has(FRESHEST_CRL),
    hasOcspNoCheck: found.has(OCSP_NO_CHECK),
    others: [...found]
      .filter(([oid]) => !DECIDING.has(oid))
      .map(([oid, { critical }]) => ({ oid, critical })),
  };
}

function readMeansOfRevocation(
  found: ReadonlyMap<string, Extension>,
): Pick<CertificateExtensions, 'namesOcsp' | 'namesCrl' | 'ocspAddresses' | 'crlAddresses'> {
  const access = found.get(AUTHORITY_INFORMATION_ACCESS);
  const points = found.get(CRL_DISTRIBUTION_POINTS);
  const ocsp = access && readOcspAccess(access.value.open());
  return {
    namesOcsp: ocsp !== undefined,
    namesCrl: points !== undefined,
    ocspAddresses: ocsp ?? [],
    crlAddresses: points === undefined ? [] : readCrlAddresses(points.value.open()),
  };
}

function readExtension(reader: DerReader, found: Map<string, Extension>): void {
  const identifier = reader.read(DER_TAGS.objectIdentifier, 'extension');
  const oid = decodeObjectIdentifier(identifier);
  const flag = reader.readOptional(DER_TAGS.boolean, `extension ${oid}`);
  const value = reader.read(DER_TAGS.octetString, `extension ${oid}`);
  reader.end(`extension ${oid}`);
  if (found.has(oid)) {
    throw new AgentError(identifier.code, `${identifier.what} ${oid}: expected once, found twice`);
  }
  // DER leaves FALSE out; CAs that write it are common enough to read it.
  found.set(oid, { critical: flag !== undefined && decodeBoolean(flag), value });
}

function parseBasicConstraints({
  critical,
  value,
}: Extension): NonNullable<CertificateExtensions['basicConstraints']> {
  const whole = value.open();
  const reader = whole.enter(DER_TAGS.sequence, 'basic constraints');
  const ca = reader.readOptional(DER_TAGS.boolean, 'cA');
  const pathLength = reader.readOptional(DER_TAGS.integer, 'path length');
  reader.end('basic constraints');
  whole.end('basic constraints');
  return {
    critical,
    ca: ca !== undefined && decodeBoolean(ca),
    ...(pathLength && { pathLength: decodeSmallInteger(pathLength) }),
  };
}

function parseKeyUsage({
  critical,
  value,
}: Extension): NonNullable<CertificateExtensions['keyUsage']> {
  const whole = value.open();
  const { bytes } = decodeBitString(whole.read(DER_TAGS.bitString, 'key usage'));
  whole.end('key usage');
  const isSet = (bit: number): boolean => (((bytes[bit >> 3] ?? 0) << (bit & 7)) & 0x80) !== 0;
  return { critical, usages: new Set(KEY_USAGES.filter((_, bit) => isSet(bit))) };
}

function parseExtendedKeyUsage({
  critical,
  value,
}: Extension): NonNullable<CertificateExtensions['extendedKeyUsage']> {
  const whole = value.open();
  const reader = whole.enter(DER_TAGS.sequence, 'extended key usage');
  const purposes = new Set<string>();
  do {
    const purpose = reader.read(DER_TAGS.objectIdentifier, 'extended key usage');
    purposes.add(decodeObjectIdentifier(purpose));
  } while (reader.peek() !== undefined);
  whole.end('extended key usage');
  return { critical, purposes };
}
