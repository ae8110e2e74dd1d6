// Mints OCSP responses, each field of which a test may set, leave out or get wrong.
import { createHash, X509Certificate } from 'node:crypto';
import { subjectNamed } from './ca.ts';
import {
  algorithmIdentifier,
  type CertificateSignatureName,
  defaultSignature,
  signatureValue,
} from './certificate-signature.ts';
import {
  type CertificateOptions,
  mintCertificate,
  type TestCertificate,
  type TestExtension,
} from './certificate.ts';
import { crlExtension, generalizedTime } from './crl.ts';
import {
  bitString,
  der,
  explicit,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
} from './der.ts';
import { testKey } from './keys.ts';

/** By default `good`, from an hour before `now` until an hour after, signed by the issuer itself. */
export interface OcspOptions {
  readonly now?: Date;
  readonly status?: 'good' | 'revoked' | 'unknown';
  readonly revokedAt?: Date;
  readonly reason?: number;
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date | null;
  readonly producedAt?: Date;
  readonly invalidityDate?: Date;
  readonly hash?: 'sha1' | 'sha256' | 'sha512';
  /** Whose name and key the CertID is made of. Default: the issuer's. */
  readonly nameOf?: TestCertificate;
  readonly keyOf?: TestCertificate;
  readonly serialNumber?: bigint;
  /** How often the answer is there. Default once. */
  readonly answers?: number;
  readonly responderBy?: 'name' | 'key';
  /** Who signs. Default: the issuer. */
  readonly signer?: TestCertificate;
  /** What is sent along. Default: the signer, unless it is the issuer. */
  readonly certificates?: readonly Buffer[];
  readonly signature?: CertificateSignatureName;
  readonly answerExtensions?: readonly TestExtension[];
  readonly responseExtensions?: readonly TestExtension[];
}

const HOUR_MS = 3_600_000;
const HASH_OIDS = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const;

/** DER of an OCSPResponse on `certificate`, whose issuer is `issuer`. */
export function mintOcspResponse(
  certificate: TestCertificate,
  issuer: TestCertificate,
  options: OcspOptions = {},
): Buffer {
  const { signer = issuer, responderBy = 'name', answers = 1 } = options;
  const { producedAt = new Date((options.now ?? new Date()).getTime() - HOUR_MS) } = options;
  const { certificates = signer === issuer ? [] : [signer.der] } = options;
  const { responseExtensions = [] } = options;
  const name = options.signature ?? defaultSignature(signer.key);
  const tbs = sequence(
    responderBy === 'name'
      ? explicit(1, signer.subject)
      : explicit(2, octetString(digest('sha1', keyBits(signer)))),
    generalizedTime(producedAt),
    sequence(...Array.from({ length: answers }, () => answer(certificate, issuer, options))),
    ...extensionList(responseExtensions),
  );
  return ocspResponse(
    sequence(
      tbs,
      algorithmIdentifier(name),
      bitString(signatureValue(tbs, name, signer.key)),
      ...(certificates.length === 0 ? [] : [explicit(0, sequence(...certificates))]),
    ),
  );
}

/** DER of a successful OCSPResponse around a basic response. */
export function ocspResponse(basic: Uint8Array): Buffer {
  const typed = sequence(objectIdentifier('1.3.6.1.5.5.7.48.1.1'), octetString(basic));
  return sequence(der(0x0a, Buffer.of(0)), explicit(0, typed));
}

/** DER of an OCSPResponse that says only that there is no answer. */
export function ocspError(status: number): Buffer {
  return sequence(der(0x0a, Buffer.of(status)));
}

/** A certificate by which `issuer` lets somebody else answer; good unless told otherwise. */
export function mintOcspDelegate(
  issuer: TestCertificate,
  options: CertificateOptions = {},
): TestCertificate {
  return mintCertificate(
    {
      subject: subjectNamed('responder'),
      key: testKey('p256', 'responder'),
      extendedKeyUsage: { oids: ['1.3.6.1.5.5.7.3.9'] },
      extensions: [{ oid: '1.3.6.1.5.5.7.48.1.5', critical: false, value: nullValue() }],
      ...options,
    },
    issuer,
  );
}

function answer(
  certificate: TestCertificate,
  issuer: TestCertificate,
  options: OcspOptions,
): Buffer {
  const { now = new Date(), invalidityDate, answerExtensions = [] } = options;
  const { thisUpdate = new Date(now.getTime() - HOUR_MS) } = options;
  const { nextUpdate = new Date(now.getTime() + HOUR_MS) } = options;
  const extensions = [
    ...(invalidityDate === undefined
      ? []
      : [{ oid: '2.5.29.24', critical: false, value: generalizedTime(invalidityDate) }]),
    ...answerExtensions,
  ];
  return sequence(
    certId(certificate, issuer, options),
    status(options),
    generalizedTime(thisUpdate),
    ...(nextUpdate === null ? [] : [explicit(0, generalizedTime(nextUpdate))]),
    ...extensionList(extensions),
  );
}

function certId(
  certificate: TestCertificate,
  issuer: TestCertificate,
  options: OcspOptions,
): Buffer {
  const { hash = 'sha1', nameOf = issuer, keyOf = issuer } = options;
  const serialNumber = options.serialNumber ?? serialOf(certificate);
  return sequence(
    sequence(objectIdentifier(HASH_OIDS[hash]), nullValue()),
    octetString(digest(hash, nameOf.subject)),
    octetString(digest(hash, keyBits(keyOf))),
    integer(serialNumber),
  );
}

function status(options: OcspOptions): Buffer {
  const { status: kind = 'good', revokedAt = new Date('2025-06-01T00:00:00Z'), reason } = options;
  if (kind !== 'revoked') return der(kind === 'good' ? 0x80 : 0x82);
  const parts = reason === undefined ? [] : [explicit(0, der(0x0a, Buffer.of(reason)))];
  return explicit(1, generalizedTime(revokedAt), ...parts);
}

function extensionList(extensions: readonly TestExtension[]): Buffer[] {
  if (extensions.length === 0) return [];
  const list = extensions.map(({ oid, value, critical }) => crlExtension(oid, value, critical));
  return [explicit(1, sequence(...list))];
}

/** The serial number of a certificate. */
export function serialOf({ der: bytes }: TestCertificate): bigint {
  return BigInt(`0x${new X509Certificate(bytes).serialNumber}`);
}

/** The public key without its algorithm and the header of its BIT STRING. */
function keyBits({ key }: TestCertificate): Buffer {
  const spki = key.publicKey.export({ format: 'der', type: 'spki' });
  // Both parts of an SPKI are definite; node:crypto has no other way to the bits.
  const inside = contentOf(spki);
  const algorithm = lengthOf(inside);
  return contentOf(inside.subarray(algorithm)).subarray(1);
}

function contentOf(element: Buffer): Buffer {
  const first = element[1] ?? 0;
  return element.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f), lengthOf(element));
}

function lengthOf(element: Buffer): number {
  const first = element[1] ?? 0;
  if (first < 0x80) return 2 + first;
  const octets = first & 0x7f;
  return 2 + octets + element.readUIntBE(2, octets);
}

function digest(hash: 'sha1' | 'sha256' | 'sha512', bytes: Uint8Array): Buffer {
  return createHash(hash).update(bytes).digest();
}
