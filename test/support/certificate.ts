// Mints one X.509 certificate, each field of which a test may set, leave out or get wrong.
import { X509Certificate } from 'node:crypto';
import {
  algorithmIdentifier,
  type CertificateSignatureName,
  defaultSignature,
  signCertificate,
} from './certificate-signature.ts';
import {
  bitString,
  boolean,
  der,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  printableString,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts';
import { type TestKey, testKey, type KeyType } from './keys.ts';

export type KeyUsageName = (typeof KEY_USAGES)[number];
const KEY_USAGES = [
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

const ATTRIBUTE_OIDS: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  SERIALNUMBER: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  POSTALCODE: '2.5.4.17',
};

/** Attributes in encoded order; the type is a name above or a dotted OID. */
export type SubjectAttributes = readonly (readonly [type: string, value: string])[];

export interface TestExtension {
  readonly oid: string;
  readonly critical: boolean;
  /** DER of the extension's value. */
  readonly value: Uint8Array;
}

/** Every field has a default that makes a good code-signing leaf; `null` leaves an extension out. */
export interface CertificateOptions {
  readonly subject?: SubjectAttributes;
  /** DER of the subject, instead of `subject`. */
  readonly subjectDer?: Uint8Array;
  readonly key?: KeyType | TestKey;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  readonly serialNumber?: number | bigint;
  readonly basicConstraints?: {
    readonly ca: boolean;
    readonly pathLength?: number;
    readonly critical?: boolean;
  } | null;
  readonly keyUsage?: {
    readonly usages: readonly KeyUsageName[];
    readonly critical?: boolean;
  } | null;
  /** Dotted OIDs. Default: codeSigning. */
  readonly extendedKeyUsage?: {
    readonly oids: readonly string[];
    readonly critical?: boolean;
  } | null;
  readonly ocspUrl?: string;
  readonly crlUrl?: string;
  /** Appended to the others. */
  readonly extensions?: readonly TestExtension[];
  /** How the issuer signs. Default: by the type of its key. */
  readonly signature?: CertificateSignatureName;
  /** Named as issuer instead of the real one. */
  readonly issuerName?: SubjectAttributes;
  /** Signs instead of the issuer's key. */
  readonly signingKey?: TestKey;
}

export interface TestCertificate {
  readonly der: Buffer;
  readonly pem: string;
  readonly key: TestKey;
  /** DER of the subject. */
  readonly subject: Buffer;
  /** DER from this certificate to its root: the order of x5c and x5chain. */
  readonly chain: readonly Buffer[];
}

const NOT_BEFORE = new Date('2024-01-01T00:00:00Z');
const NOT_AFTER = new Date('2044-01-01T00:00:00Z');
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
let nextSerialNumber = 1000;

/** Mints a certificate, signed by `issuer` or else by its own key. */
export function mintCertificate(
  options: CertificateOptions = {},
  issuer?: TestCertificate,
): TestCertificate {
  const key = toKey(options.key);
  const subject = Buffer.from(options.subjectDer ?? name(options.subject ?? [['CN', 'leaf']]));
  const signer = options.signingKey ?? issuer?.key ?? key;
  const signature = options.signature ?? defaultSignature(signer);
  const issuerName =
    options.issuerName === undefined ? (issuer?.subject ?? subject) : name(options.issuerName);
  const extensions = encodeExtensions(options);
  const tbs = sequence(
    explicit(0, integer(2)),
    integer(options.serialNumber ?? nextSerialNumber++),
    algorithmIdentifier(signature),
    issuerName,
    sequence(time(options.notBefore ?? NOT_BEFORE), time(options.notAfter ?? NOT_AFTER)),
    subject,
    key.publicKey.export({ format: 'der', type: 'spki' }),
    ...(extensions.length === 0 ? [] : [explicit(3, sequence(...extensions))]),
  );
  const encoded = signCertificate(tbs, signature, signer);
  const pem = new X509Certificate(encoded).toString();
  return { der: encoded, pem, key, subject, chain: [encoded, ...(issuer?.chain ?? [])] };
}

/** DER of a distinguished name with one attribute in each RDN. */
export function name(attributes: SubjectAttributes): Buffer {
  return sequence(
    ...attributes.map(([type, value]) =>
      set(
        sequence(
          objectIdentifier(ATTRIBUTE_OIDS[type] ?? type),
          type === 'C' ? printableString(value) : utf8String(value),
        ),
      ),
    ),
  );
}

function toKey(key: KeyType | TestKey | undefined): TestKey {
  if (typeof key === 'object') return key;
  return testKey(key ?? 'p256');
}

function encodeExtensions(options: CertificateOptions): Buffer[] {
  const extensions: TestExtension[] = [];
  const { basicConstraints = { ca: false }, ocspUrl, crlUrl } = options;
  const { keyUsage = { usages: ['digitalSignature'] } } = options;
  const { extendedKeyUsage = { oids: [CODE_SIGNING] } } = options;
  if (basicConstraints !== null) {
    const { ca, pathLength, critical = true } = basicConstraints;
    const parts = [
      ...(ca ? [boolean(true)] : []),
      ...(pathLength === undefined ? [] : [integer(pathLength)]),
    ];
    extensions.push({ oid: '2.5.29.19', critical, value: sequence(...parts) });
  }
  if (keyUsage !== null) {
    const { usages, critical = true } = keyUsage;
    extensions.push({ oid: '2.5.29.15', critical, value: encodeKeyUsage(usages) });
  }
  if (extendedKeyUsage !== null) {
    const { oids, critical = false } = extendedKeyUsage;
    extensions.push({ oid: '2.5.29.37', critical, value: sequence(...oids.map(objectIdentifier)) });
  }
  if (ocspUrl !== undefined) {
    const access = sequence(objectIdentifier('1.3.6.1.5.5.7.48.1'), uri(ocspUrl));
    extensions.push({ oid: '1.3.6.1.5.5.7.1.1', critical: false, value: sequence(access) });
  }
  if (crlUrl !== undefined) {
    const point = sequence(explicit(0, explicit(0, uri(crlUrl))));
    extensions.push({ oid: '2.5.29.31', critical: false, value: sequence(point) });
  }
  return [...extensions, ...(options.extensions ?? [])].map(encodeExtension);
}

function encodeExtension(extension: TestExtension): Buffer {
  return sequence(
    objectIdentifier(extension.oid),
    ...(extension.critical ? [boolean(true)] : []),
    octetString(extension.value),
  );
}

function uri(url: string): Buffer {
  return der(0x86, Buffer.from(url, 'latin1'));
}

function encodeKeyUsage(usages: readonly KeyUsageName[]): Buffer {
  const bits = usages.map((usage) => KEY_USAGES.indexOf(usage));
  const last = Math.max(...bits);
  const octets = Buffer.alloc(Math.floor(last / 8) + 1);
  for (const bit of bits) {
    const octet = Math.floor(bit / 8);
    octets[octet] = (octets[octet] ?? 0) | (0x80 >> (bit % 8));
  }
  return bitString(octets, 7 - (last % 8));
}
