// Mints CRLs, each field of which a test may set, leave out or get wrong.
import {
  algorithmIdentifier,
  type CertificateSignatureName,
  defaultSignature,
  signCertificate,
} from './certificate-signature.ts';
import type { TestCertificate, TestExtension } from './certificate.ts';
import {
  bitString,
  boolean,
  der,
  explicit,
  integer,
  octetString,
  objectIdentifier,
  sequence,
  time,
} from './der.ts';
import type { TestKey } from './keys.ts';

export interface TestCrlEntry {
  readonly serialNumber: number | bigint;
  readonly revokedAt?: Date;
  /** RFC 5280 5.3.1: 6 is certificateHold, 8 removeFromCRL. */
  readonly reason?: number;
  readonly invalidityDate?: Date;
  readonly extensions?: readonly TestExtension[];
}

/** By default good from an hour before `now` until a day after. `null` leaves a field out. */
export interface CrlOptions {
  readonly now?: Date;
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date | null;
  readonly entries?: readonly TestCrlEntry[];
  /** DER of the entries, instead of `entries`. */
  readonly entriesDer?: Uint8Array;
  /** Default 10. */
  readonly number?: number | null;
  /** Makes a delta CRL. */
  readonly deltaBase?: number;
  readonly freshest?: readonly string[];
  readonly point?: TestDistributionPoint;
  readonly extensions?: readonly TestExtension[];
  readonly version?: number | null;
  /** DER of another issuer's name. */
  readonly issuerName?: Buffer;
  readonly signingKey?: TestKey;
  readonly signature?: CertificateSignatureName;
}

export interface TestDistributionPoint {
  readonly uris?: readonly string[];
  /** A name relative to the issuer instead. */
  readonly relative?: boolean;
  readonly onlyUserCerts?: boolean;
  readonly onlyCaCerts?: boolean;
  readonly onlySomeReasons?: boolean;
  readonly indirect?: boolean;
  readonly onlyAttributeCerts?: boolean;
}

const HOUR_MS = 3_600_000;

/** DER of a CRL of `issuer`. */
export function mintCrl(issuer: TestCertificate, options: CrlOptions = {}): Buffer {
  const { now = new Date(), entries = [], version = 1 } = options;
  const signer = options.signingKey ?? issuer.key;
  const signature = options.signature ?? defaultSignature(signer);
  const { thisUpdate = new Date(now.getTime() - HOUR_MS) } = options;
  const { nextUpdate = new Date(now.getTime() + 24 * HOUR_MS) } = options;
  const list = options.entriesDer ?? Buffer.concat(entries.map((entry) => crlEntry(entry)));
  const extensions = crlExtensions(options);
  const tbs = sequence(
    ...(version === null ? [] : [integer(version)]),
    algorithmIdentifier(signature),
    options.issuerName ?? issuer.subject,
    time(thisUpdate),
    ...(nextUpdate === null ? [] : [time(nextUpdate)]),
    ...(list.length === 0 ? [] : [sequence(list)]),
    ...(extensions.length === 0 ? [] : [explicit(0, sequence(...extensions))]),
  );
  return signCertificate(tbs, signature, signer);
}

/** DER of one entry. */
export function crlEntry(entry: TestCrlEntry): Buffer {
  const { revokedAt = new Date('2025-06-01T00:00:00Z'), reason, invalidityDate } = entry;
  const extensions = [
    ...(reason === undefined ? [] : [crlExtension('2.5.29.21', der(0x0a, Buffer.of(reason)))]),
    ...(invalidityDate === undefined
      ? []
      : [crlExtension('2.5.29.24', generalizedTime(invalidityDate))]),
    ...(entry.extensions ?? []).map(({ oid, value, critical }) =>
      crlExtension(oid, value, critical),
    ),
  ];
  return sequence(
    integer(entry.serialNumber),
    time(revokedAt),
    ...(extensions.length === 0 ? [] : [sequence(...extensions)]),
  );
}

/** DER of one extension. */
export function crlExtension(oid: string, value: Uint8Array, critical = false): Buffer {
  const flag = critical ? [boolean(true)] : [];
  return sequence(objectIdentifier(oid), ...flag, octetString(value));
}

/** GeneralizedTime whatever the year. */
export function generalizedTime(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return der(0x18, Buffer.from(digits, 'latin1'));
}

function crlExtensions(options: CrlOptions): Buffer[] {
  const { number = 10, deltaBase, freshest, point } = options;
  return [
    ...(number === null ? [] : [crlExtension('2.5.29.20', integer(number))]),
    ...(deltaBase === undefined ? [] : [crlExtension('2.5.29.27', integer(deltaBase), true)]),
    ...(freshest === undefined ? [] : [crlExtension('2.5.29.46', distributionPoints([freshest]))]),
    ...(point === undefined ? [] : [crlExtension('2.5.29.28', issuingPoint(point), true)]),
    ...(options.extensions ?? []).map(({ oid, value, critical }) =>
      crlExtension(oid, value, critical),
    ),
  ];
}

/** DER of CRLDistributionPoints, for certificates and for FreshestCRL. */
export function distributionPoints(points: readonly (readonly string[])[]): Buffer {
  return sequence(...points.map((uris) => sequence(explicit(0, fullName(uris)))));
}

function issuingPoint(point: TestDistributionPoint): Buffer {
  const flag = (tag: number, isSet = false): Buffer[] => (isSet ? [der(tag, Buffer.of(0xff))] : []);
  const name = point.relative === true ? explicit(1) : point.uris && fullName(point.uris);
  return sequence(
    ...(name === undefined ? [] : [explicit(0, name)]),
    ...flag(0x81, point.onlyUserCerts),
    ...flag(0x82, point.onlyCaCerts),
    ...(point.onlySomeReasons === true
      ? [der(0x83, bitString(Buffer.of(0x40), 6).subarray(2))]
      : []),
    ...flag(0x84, point.indirect),
    ...flag(0x85, point.onlyAttributeCerts),
  );
}

function fullName(uris: readonly string[]): Buffer {
  return explicit(0, ...uris.map((uri) => der(0x86, Buffer.from(uri, 'latin1'))));
}
