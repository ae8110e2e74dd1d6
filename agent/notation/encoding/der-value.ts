// Strict decoding of the primitive DER values that certificates use (X.690, RFC 5280).
import { AgentError } from '../../errors.ts';
import { DER_TAGS, type DerElement } from './der.ts';

/** Longer object identifiers do not occur; X.690 itself sets no bound. */
const MAX_OBJECT_IDENTIFIER_BYTES = 64;

const DIGIT_0 = 0x30;
const LETTER_Z = 0x5a;

/** The bits of a BIT STRING. */
export interface BitString {
  readonly bytes: Uint8Array;
  readonly unusedBits: number;
}

/** BOOLEAN. Throws the element's code, as all functions here. */
export function decodeBoolean(element: DerElement): boolean {
  const { bytes, contentStart, end } = element;
  const octet = bytes[contentStart];
  if (end - contentStart !== 1 || (octet !== 0x00 && octet !== 0xff)) {
    throw invalid(element, 'expected a boolean of 00 or FF');
  }
  return octet === 0xff;
}

/** INTEGER as its content octets, two's complement and in their shortest form. */
export function decodeInteger(element: DerElement): Uint8Array {
  const { content } = element;
  const first = content[0];
  const second = content[1] ?? 0;
  if (first === undefined) throw invalid(element, 'expected an integer, found no content');
  const padded =
    content.length > 1 && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (padded) throw invalid(element, 'expected an integer in its shortest form');
  return content;
}

/** INTEGER from 0 to 2^31 - 1. */
export function decodeSmallInteger(element: DerElement): number {
  const octets = decodeInteger(element);
  if ((octets[0] ?? 0) >= 0x80 || octets.length > 4) {
    throw invalid(element, 'expected an integer from 0 to 2147483647');
  }
  return octets.reduce((value, octet) => value * 256 + octet, 0);
}

/** OBJECT IDENTIFIER in dotted form. */
export function decodeObjectIdentifier(element: DerElement): string {
  const { bytes, contentStart, end } = element;
  const length = end - contentStart;
  if (length === 0 || length > MAX_OBJECT_IDENTIFIER_BYTES) {
    throw invalid(
      element,
      `expected an object identifier of 1 to ${MAX_OBJECT_IDENTIFIER_BYTES} bytes`,
    );
  }
  if ((bytes[end - 1] ?? 0) >= 0x80) throw invalid(element, 'expected the last arc to end');
  let text = '';
  let arc: number | bigint = 0;
  let fresh = true;
  for (let at = contentStart; at < end; at++) {
    const octet = bytes[at] ?? 0;
    if (fresh && octet === 0x80) throw invalid(element, 'expected arcs in their shortest form');
    arc = appendBits(arc, octet & 0x7f);
    fresh = octet < 0x80;
    if (!fresh) continue;
    text = text === '' ? firstArcs(arc) : `${text}.${arc}`;
    arc = 0;
  }
  return text;
}

/** Arcs have no bound (X.667 makes them of 128 bits), but few are too large for a number. */
function appendBits(arc: number | bigint, bits: number): number | bigint {
  return typeof arc === 'number' && arc < 2 ** 45
    ? arc * 128 + bits
    : (BigInt(arc) << 7n) | BigInt(bits);
}

/** X.690 8.19.4: the first two arcs share one number; the first is 0, 1 or 2. */
function firstArcs(joined: number | bigint): string {
  if (typeof joined === 'bigint') return `2.${joined - 80n}`;
  const first = Math.min(Math.floor(joined / 40), 2);
  return `${first}.${joined - first * 40}`;
}

/** BIT STRING; its unused bits are zero. */
export function decodeBitString(element: DerElement): BitString {
  const { content } = element;
  const unusedBits = content[0];
  const bytes = content.subarray(1);
  if (unusedBits === undefined || unusedBits > 7 || (bytes.length === 0 && unusedBits > 0)) {
    throw invalid(element, 'expected a bit string with at most 7 unused bits');
  }
  if (((bytes.at(-1) ?? 0) & ((1 << unusedBits) - 1)) !== 0) {
    throw invalid(element, 'expected the unused bits of a bit string to be zero');
  }
  return { bytes, unusedBits };
}

/** UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 restricts them: UTC, to the second. */
export function decodeTime(element: DerElement): Date {
  const { tag, bytes, contentStart, end } = element;
  const yearDigits = tag === DER_TAGS.utcTime ? 2 : 4;
  const length = yearDigits + '0102030405Z'.length;
  const isTime = tag === DER_TAGS.utcTime || tag === DER_TAGS.generalizedTime;
  if (!isTime || end - contentStart !== length || bytes[end - 1] !== LETTER_Z) {
    throw invalid(element, 'expected a UTC time to the second');
  }
  const field = (number: number): number => decodeTwoDigits(element, length - 11 + 2 * number);
  const [month, day, hour, minute, second] = [field(0), field(1), field(2), field(3), field(4)];
  const date = new Date(0);
  date.setUTCFullYear(decodeYear(element), month - 1, day);
  date.setUTCHours(hour, minute, second);
  // Date rolls the 30th of February over into March, which then is another month or day.
  const isDate = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  if (!isDate || hour > 23 || minute > 59 || second > 59) {
    throw invalid(element, 'expected a date of the calendar');
  }
  return date;
}

/** RFC 5280 4.1.2.5.1: two-digit years below 50 are in this century. */
function decodeYear(element: DerElement): number {
  const first = decodeTwoDigits(element, 0);
  if (element.tag === DER_TAGS.utcTime) return first < 50 ? 2000 + first : 1900 + first;
  return first * 100 + decodeTwoDigits(element, 2);
}

function decodeTwoDigits(element: DerElement, at: number): number {
  const { bytes, contentStart } = element;
  const tens = (bytes[contentStart + at] ?? 0) - DIGIT_0;
  const ones = (bytes[contentStart + at + 1] ?? 0) - DIGIT_0;
  if (tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9) return tens * 10 + ones;
  throw invalid(element, 'expected a UTC time to the second');
}

/**
 * The character strings of a DirectoryString, and IA5String and NumericString. `tag` tells which it is,
 * where the element has an implicit one.
 */
export function decodeText(element: DerElement, tag = element.tag): string {
  const { content } = element;
  switch (tag) {
    case DER_TAGS.utf8String:
      return decodeUnicode(element, content, 'utf-8');
    case DER_TAGS.bmpString:
      if (content.length % 2 !== 0) throw invalid(element, 'expected two bytes per character');
      return decodeUnicode(element, content, 'utf-16be');
    case DER_TAGS.printableString:
      return matching(element, /^[A-Za-z0-9 '()+,\-./:=?*&@_]*$/);
    case DER_TAGS.numericString:
      return matching(element, /^[0-9 ]*$/);
    case DER_TAGS.ia5String:
      // eslint-disable-next-line no-control-regex -- IA5 is all of ASCII
      return matching(element, /^[\x00-\x7f]*$/);
    case DER_TAGS.teletexString:
      return latin1(content);
    default:
      throw invalid(element, 'expected a character string');
  }
}

const DECODERS = {
  'utf-8': new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }),
  'utf-16be': new TextDecoder('utf-16be', { fatal: true, ignoreBOM: true }),
} as const;

function decodeUnicode(
  element: DerElement,
  content: Uint8Array,
  encoding: keyof typeof DECODERS,
): string {
  try {
    return DECODERS[encoding].decode(content);
  } catch {
    throw invalid(element, `expected ${encoding}`); // the TypeError says nothing more
  }
}

function matching(element: DerElement, pattern: RegExp): string {
  const text = latin1(element.content);
  if (!pattern.test(text)) throw invalid(element, 'expected characters that its string type has');
  return text;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function invalid(element: DerElement, fault: string): AgentError {
  return new AgentError(element.code, `${element.what}: ${fault}`);
}
