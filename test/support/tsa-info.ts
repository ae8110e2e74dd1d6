// Writes a TSTInfo (RFC 3161 2.4.2), each field of which a test may set, leave out or get wrong.
import { createHash } from 'node:crypto';
import {
  boolean,
  der,
  explicit,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
} from './der.ts';

const HASH_OIDS = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const;
export type HashName = keyof typeof HASH_OIDS;

export interface AccuracyOptions {
  readonly seconds?: number;
  readonly millis?: number;
  readonly micros?: number;
}

/** Every field has a default that makes a good TSTInfo; `null` leaves an optional one out. */
export interface TstInfoOptions {
  readonly version?: number;
  /** Default: one of no meaning. */
  readonly policy?: string;
  readonly hash?: HashName;
  /** DER of the hash's AlgorithmIdentifier. */
  readonly hashIdentifier?: Uint8Array;
  /** Digest, instead of that of the message. */
  readonly imprint?: Uint8Array;
  readonly serialNumber?: Uint8Array;
  /** A `Date` to the second, or the text of the GeneralizedTime. */
  readonly time?: Date | string;
  /** Or DER. Default: one second. */
  readonly accuracy?: AccuracyOptions | Uint8Array | null;
  /** Default: left out. */
  readonly ordering?: boolean;
  readonly nonce?: Uint8Array | null;
  /** DER of a GeneralName. */
  readonly authority?: Uint8Array | null;
  /** DER of each Extension. */
  readonly extensions?: readonly Uint8Array[];
  /** Appended. */
  readonly trailer?: Uint8Array;
}

/** When stamps are made unless a test says otherwise. */
export const STAMP_TIME = new Date('2026-01-02T03:04:06Z');

/** DER of a TSTInfo over a message. */
export function tstInfo(message: Uint8Array, options: TstInfoOptions = {}): Buffer {
  const { hash = 'sha256', nonce = null, authority = null, extensions } = options;
  const imprint = options.imprint ?? createHash(hash).update(message).digest();
  return sequence(
    integer(options.version ?? 1),
    objectIdentifier(options.policy ?? '1.3.6.1.4.1.99999.1'),
    sequence(options.hashIdentifier ?? hashIdentifier(hash), octetString(imprint)),
    options.serialNumber ?? integer(7),
    generalizedTime(options.time ?? STAMP_TIME),
    accuracy(options.accuracy === undefined ? { seconds: 1 } : options.accuracy),
    ...(options.ordering === undefined ? [] : [boolean(options.ordering)]),
    ...(nonce === null ? [] : [nonce]),
    ...(authority === null ? [] : [explicit(0, authority)]),
    ...(extensions === undefined ? [] : [explicit(1, ...extensions)]),
    options.trailer ?? Buffer.alloc(0),
  );
}

/** AlgorithmIdentifier of a hash function. */
export function hashIdentifier(hash: HashName): Buffer {
  return sequence(objectIdentifier(HASH_OIDS[hash]), nullValue());
}

function accuracy(options: AccuracyOptions | Uint8Array | null): Uint8Array {
  if (options === null) return Buffer.alloc(0);
  if (options instanceof Uint8Array) return options;
  const { seconds, millis, micros } = options;
  return sequence(
    ...(seconds === undefined ? [] : [integer(seconds)]),
    ...(millis === undefined ? [] : [implicitInteger(0x80, millis)]),
    ...(micros === undefined ? [] : [implicitInteger(0x81, micros)]),
  );
}

function implicitInteger(tag: number, value: number): Buffer {
  const encoded = integer(value);
  encoded[0] = tag;
  return encoded;
}

function generalizedTime(at: Date | string): Buffer {
  const text = at instanceof Date ? at.toISOString().replaceAll(/[-:T]|\.\d+/g, '') : at;
  return der(0x18, Buffer.from(text, 'latin1'));
}
