// The little DER that certificates of our own are written in: X.690, definite lengths in their shortest form.

import { isoTime } from '../../utc.ts';

/** One tag-length-value of at most 65,535 bytes of content. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(content.length)]), content]);
}

function lengthOctets(length: number): readonly number[] {
  if (length < 0x80) return [length];
  if (length <= 0xff) return [0x81, length];
  if (length <= 0xffff) return [0x82, length >> 8, length & 0xff];
  throw new TypeError(`expected at most 65535 bytes of DER, found ${length}`);
}

export function sequence(...contents: readonly Uint8Array[]): Buffer {
  return der(0x30, ...contents);
}

/** `[number]` constructed, as EXPLICIT tagging writes it. */
export function explicit(number: number, ...contents: readonly Uint8Array[]): Buffer {
  return der(0xa0 + number, ...contents);
}

/** An INTEGER of the big-endian bytes of a positive number. */
export function positiveInteger(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  if (start < 0) throw new TypeError('expected a positive number');
  const digits = bytes.subarray(start);
  // A first bit that is set would make it negative.
  return der(0x02, Buffer.from((digits[0] ?? 0) >= 0x80 ? [0] : []), digits);
}

/** A BIT STRING of whole octets, or with `unusedBits` of the last one left out. */
export function bitString(octets: Uint8Array, unusedBits = 0): Buffer {
  return der(0x03, Buffer.from([unusedBits]), octets);
}

/** UTCTime until 2049 and GeneralizedTime from 2050 on, in whole seconds: RFC 5280 4.1.2.5. */
export function time(date: Date): Buffer {
  const digits = isoTime(date).replaceAll(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(digits.slice(2), 'latin1'))
    : der(0x18, Buffer.from(digits, 'latin1'));
}
