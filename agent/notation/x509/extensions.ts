// Certificate extensions: the three that decide, and whether there are means of revocation (RFC 5280 4.2).
import { AgentError } from '../../errors.ts';
import { DER_TAGS, type DerElement, DerReader } from '../encoding/der.ts';
import {
  decodeBitString,
  decodeBoolean,
  decodeObjectIdentifier,
  decodeSmallInteger,
} from '../encoding/der-value.ts';

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
 * What signature-specification.md, "Other requirements" 4 lets count: basic constraints, key usage
 * and extended key usage. All others MUST NOT be evaluated, critical or not; two are only noticed.
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
  /** Authority information access names an OCSP responder. */
  readonly namesOcsp: boolean;
  /** There are CRL distribution points. */
  readonly namesCrl: boolean;
}

const BASIC_CONSTRAINTS = '2.5.29.19';
const KEY_USAGE = '2.5.29.15';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const AUTHORITY_INFORMATION_ACCESS = '1.3.6.1.5.5.7.1.1';
const OCSP = '1.3.6.1.5.5.7.48.1';
const CRL_DISTRIBUTION_POINTS = '2.5.29.31';

interface Extension {
  readonly critical: boolean;
  readonly value: DerElement;
}

/** What a certificate without extensions has. */
export const NO_EXTENSIONS: CertificateExtensions = { namesOcsp: false, namesCrl: false };

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
  const access = found.get(AUTHORITY_INFORMATION_ACCESS);
  return {
    ...(basicConstraints && { basicConstraints: parseBasicConstraints(basicConstraints) }),
    ...(keyUsage && { keyUsage: parseKeyUsage(keyUsage) }),
    ...(extendedKeyUsage && { extendedKeyUsage: parseExtendedKeyUsage(extendedKeyUsage) }),
    namesOcsp: access !== undefined && parseAccessMethods(access).has(OCSP),
    namesCrl: found.has(CRL_DISTRIBUTION_POINTS),
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
  const whole = open(value);
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
  const whole = open(value);
  const { bytes } = decodeBitString(whole.read(DER_TAGS.bitString, 'key usage'));
  whole.end('key usage');
  const isSet = (bit: number): boolean => (((bytes[bit >> 3] ?? 0) << (bit & 7)) & 0x80) !== 0;
  return { critical, usages: new Set(KEY_USAGES.filter((_, bit) => isSet(bit))) };
}

function parseExtendedKeyUsage({
  critical,
  value,
}: Extension): NonNullable<CertificateExtensions['extendedKeyUsage']> {
  const whole = open(value);
  const reader = whole.enter(DER_TAGS.sequence, 'extended key usage');
  const purposes = new Set<string>();
  do {
    const purpose = reader.read(DER_TAGS.objectIdentifier, 'extended key usage');
    purposes.add(decodeObjectIdentifier(purpose));
  } while (reader.peek() !== undefined);
  whole.end('extended key usage');
  return { critical, purposes };
}

function parseAccessMethods({ value }: Extension): ReadonlySet<string> {
  const whole = open(value);
  const reader = whole.enter(DER_TAGS.sequence, 'authority information access');
  const methods = new Set<string>();
  while (reader.peek() !== undefined) {
    const description = reader.enter(DER_TAGS.sequence, 'access description');
    const method = description.read(DER_TAGS.objectIdentifier, 'access method');
    methods.add(decodeObjectIdentifier(method));
  }
  whole.end('authority information access');
  return methods;
}

function open(value: DerElement): DerReader {
  return new DerReader(value.content, value.what, value.code);
}
