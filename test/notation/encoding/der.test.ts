// Strict DER: the reader of elements, and the values of the primitive ones.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  contextTag,
  DER_TAGS,
  type DerElement,
  DerReader,
} from '../../../agent/notation/encoding/der.ts';
import {
  decodeBitString,
  decodeBoolean,
  decodeInteger,
  decodeObjectIdentifier,
  decodeSmallInteger,
  decodeText,
  decodeTime,
} from '../../../agent/notation/encoding/der-value.ts';
import {
  bitString,
  der,
  explicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  time,
  utf8String,
} from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { runs } from '../../support/properties.ts';

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const reader = (bytes: Uint8Array): DerReader =>
  new DerReader(bytes, 'object', 'certificate_invalid');
const element = (bytes: Uint8Array): DerElement => {
  const whole = reader(bytes);
  const only = whole.readAny('field');
  whole.end('field');
  return only;
};

describe('DerReader', () => {
  it('reads elements in order and goes down only where told', () => {
    const whole = reader(
      sequence(integer(5), explicit(0, utf8String('x')), octetString(hex('ffff'))),
    );
    const inside = whole.enter(DER_TAGS.sequence, 'whole');
    whole.end('whole');
    expect(decodeSmallInteger(inside.read(DER_TAGS.integer, 'number'))).toBe(5);
    expect(inside.readOptional(contextTag(1), 'absent')).toBeUndefined();
    expect(decodeText(inside.enter(contextTag(0), 'tagged').readAny('text'))).toBe('x');
    expect(inside.peek()).toBe(DER_TAGS.octetString);
    expect(inside.readAny('bytes').raw).toEqual(hex('0402ffff'));
    expect(inside.peek()).toBeUndefined();
    inside.end('whole');
  });

  it.each([0, 1, 127, 128, 255, 256, 65_535, 65_536])('reads %i bytes of content', (length) => {
    expect(element(octetString(Buffer.alloc(length))).content).toHaveLength(length);
  });

  it.each([
    ['an indefinite length', '30800000'],
    ['a length of five octets', '0485000000000100'],
    ['a length in two octets that fits one', '04810100'],
    ['a length in three octets that fits two', '04820001ff'],
    ['a length that begins with zero', `0482007f${'00'.repeat(127)}`],
    ['a length without its octets', '0482ff'],
    ['no length', '04'],
    ['content that is cut short', '040200'],
    ['a length beyond the end', '0484ffffffff00'],
    ['a tag number of several octets', '1f8101ff'],
    ['nothing', ''],
    ['bytes after it', '050000'],
  ])('refuses %s', (_, encoded) => {
    expectCode(() => element(hex(encoded)), 'certificate_invalid');
  });

  it('refuses an element with another tag, and names object and field', () => {
    const error = expectCode(
      () => reader(hex('0500')).read(DER_TAGS.integer, 'version'),
      'certificate_invalid',
    );
    expect(error.message).toBe('object: version: expected tag 0x02, found 0x05 (at byte 0)');
  });

  it('refuses the constructed form of a string', () => {
    expectCode(
      () => reader(hex('240404020102')).read(DER_TAGS.octetString, 'bytes'),
      'certificate_invalid',
    );
  });

  it('gives the raw bytes back, or throws its own error, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const value = valueOrAgentError(() => element(bytes));
        if (!(value instanceof Error))
          expect(der(value.tag, value.content).equals(bytes)).toBe(true);
      }),
      { numRuns: runs(1000) },
    );
  });
});

describe('DER values', () => {
  it.each([
    ['boolean true', decodeBoolean, '0101ff', true],
    ['boolean false', decodeBoolean, '010100', false],
    ['zero', decodeInteger, '020100', hex('00')],
    ['a negative integer', decodeInteger, '0202ff7f', hex('ff7f')],
    ['an integer with its sign octet', decodeInteger, '02020080', hex('0080')],
    ['a small integer', decodeSmallInteger, '02047fffffff', 2_147_483_647],
    ['rsaEncryption', decodeObjectIdentifier, '06092a864886f70d010101', '1.2.840.113549.1.1.1'],
    ['an arc below 2.', decodeObjectIdentifier, '0603883703', '2.999.3'],
    [
      'a long arc',
      decodeObjectIdentifier,
      '060b2a83ffffffffffffffff7f',
      '1.2.36893488147419103231',
    ],
    ['a bit string', decodeBitString, '030205a0', { bytes: hex('a0'), unusedBits: 5 }],
    ['an empty bit string', decodeBitString, '030100', { bytes: hex(''), unusedBits: 0 }],
  ] as const)('reads %s', (_, decode, encoded, value) => {
    expect(decode(element(hex(encoded)))).toEqual(value);
  });

  it.each([
    ['a boolean of 01', decodeBoolean, '010101'],
    ['a boolean of two octets', decodeBoolean, '0102ffff'],
    ['a boolean without content', decodeBoolean, '0100'],
    ['an integer without content', decodeInteger, '0200'],
    ['an integer padded with 00', decodeInteger, '0202007f'],
    ['an integer padded with FF', decodeInteger, '0202ff80'],
    ['a small integer that is negative', decodeSmallInteger, '0201ff'],
    ['a small integer that is large', decodeSmallInteger, '02050080000000'],
    ['an object identifier without content', decodeObjectIdentifier, '0600'],
    ['an arc padded with 80', decodeObjectIdentifier, '06032a8001'],
    ['an arc that does not end', decodeObjectIdentifier, '06022a86'],
    ['an object identifier that is too long', decodeObjectIdentifier, `0641${'01'.repeat(65)}`],
    ['a bit string without content', decodeBitString, '0300'],
    ['8 unused bits', decodeBitString, '03020800'],
    ['unused bits of nothing', decodeBitString, '030101'],
    ['unused bits that are set', decodeBitString, '030205b0'],
  ] as const)('refuses %s', (_, decode, encoded) => {
    expectCode(() => decode(element(hex(encoded))), 'certificate_invalid');
  });

  const text = (tag: number, content: string): DerElement =>
    element(der(tag, Buffer.from(content, 'latin1')));

  it.each([
    ['490101000000Z', DER_TAGS.utcTime, '2049-01-01T00:00:00.000Z'],
    ['500101000000Z', DER_TAGS.utcTime, '1950-01-01T00:00:00.000Z'],
    ['99991231235959Z', DER_TAGS.generalizedTime, '9999-12-31T23:59:59.000Z'],
    ['20240229120000Z', DER_TAGS.generalizedTime, '2024-02-29T12:00:00.000Z'],
  ])('reads the time %s', (digits, tag, iso) => {
    expect(decodeTime(text(tag, digits)).toISOString()).toBe(iso);
  });

  it.each([
    ['without seconds', DER_TAGS.utcTime, '4901010000Z'],
    ['with an offset', DER_TAGS.utcTime, '490101000000+0000'],
    ['without Z', DER_TAGS.utcTime, '490101000000'],
    ['with a fraction', DER_TAGS.generalizedTime, '20240101000000.5Z'],
    ['on a day that does not exist', DER_TAGS.utcTime, '250229000000Z'],
    ['in month 13', DER_TAGS.utcTime, '251301000000Z'],
    ['with four digits of year', DER_TAGS.utcTime, '20250101000000Z'],
    ['with two digits of year', DER_TAGS.generalizedTime, '250101000000Z'],
    ['of another type', DER_TAGS.printableString, '250101000000Z'],
    ['of another type and length', DER_TAGS.printableString, '20250101000000Z'],
    ['with a sign', DER_TAGS.utcTime, '2501010000-1Z'],
    ['at 24 hours', DER_TAGS.utcTime, '250101240000Z'],
    ['on a leap second', DER_TAGS.utcTime, '161231235960Z'],
  ])('refuses a time %s', (_, tag, digits) => {
    expectCode(() => decodeTime(text(tag, digits)), 'certificate_invalid');
  });

  it.each([
    [DER_TAGS.utf8String, 'c3bc', 'ü'],
    [DER_TAGS.bmpString, '00fc20ac', 'ü€'],
    [DER_TAGS.printableString, '412e20', 'A. '],
    [DER_TAGS.numericString, '3120', '1 '],
    [DER_TAGS.ia5String, '4040', '@@'],
    [DER_TAGS.teletexString, 'fc', 'ü'],
  ])('reads a string of tag %i', (tag, encoded, value) => {
    expect(decodeText(element(der(tag, hex(encoded))))).toBe(value);
  });

  it.each([
    ['invalid UTF-8', DER_TAGS.utf8String, 'c3'],
    ['half a character', DER_TAGS.bmpString, '00fc20'],
    ['a lone surrogate', DER_TAGS.bmpString, 'd83d'],
    ['a NUL in a PrintableString', DER_TAGS.printableString, '4100'],
    ['a letter in a NumericString', DER_TAGS.numericString, '41'],
    ['eight bits in an IA5String', DER_TAGS.ia5String, 'fc'],
    ['a number for a string', DER_TAGS.integer, '01'],
  ])('refuses %s', (_, tag, encoded) => {
    expectCode(() => decodeText(element(der(tag, hex(encoded)))), 'certificate_invalid');
  });

  it('reads object identifiers as slower arithmetic does, whatever their size', () => {
    const arc = fc.oneof(
      fc.bigInt({ min: 0n, max: 300n }),
      fc.bigInt({ min: 0n, max: 1n << 140n }),
    );
    fc.assert(
      fc.property(fc.array(arc, { minLength: 1, maxLength: 3 }), (arcs) => {
        const [joined = 0n, ...rest] = arcs;
        const first = joined < 80n ? joined / 40n : 2n;
        const octets = arcs.flatMap((number) => {
          const groups = number.toString(2).match(/.{1,7}(?=(?:.{7})*$)/g) ?? [];
          return groups.map((bits, at) => Number(`0b${bits}`) + (at < groups.length - 1 ? 128 : 0));
        });
        expect(decodeObjectIdentifier(element(der(6, Buffer.from(octets))))).toBe(
          [first, joined - first * 40n, ...rest].join('.'),
        );
      }),
    );
  });

  it('reads times as Date does, and only times', () => {
    const two = fc.integer({ min: 0, max: 99 }).map((number) => String(number).padStart(2, '0'));
    const likely = fc.tuple(two, two, fc.constantFrom('01', '02', '12'), two, two, two, two);
    fc.assert(
      fc.property(likely, ([century, year, month, day, hour, minute, second]) => {
        const iso = `${century}${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
        const expected = new Date(iso);
        const digits = `${century}${year}${month}${day}${hour}${minute}${second}Z`;
        const decode = () => decodeTime(text(DER_TAGS.generalizedTime, digits));
        if (Number.isNaN(expected.getTime()) || expected.toISOString() !== iso) {
          expectCode(decode, 'certificate_invalid');
        } else {
          expect(decode()).toEqual(expected);
        }
      }),
      { numRuns: runs(1000) },
    );
  });

  it('reads back what is written', () => {
    const date = fc.date({
      min: new Date('1950-01-01'),
      max: new Date('9999-12-31'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(fc.nat(), fc.uint8Array(), fc.string(), date, (number, bytes, string, day) => {
        expect(decodeSmallInteger(element(integer(number & 0x7fffffff)))).toBe(number & 0x7fffffff);
        expect(Buffer.compare(decodeBitString(element(bitString(bytes))).bytes, bytes)).toBe(0);
        expect(decodeText(element(utf8String(string)))).toBe(string);
        expect(decodeTime(element(time(day))).getTime()).toBe(
          Math.floor(day.getTime() / 1000) * 1000,
        );
      }),
    );
  });

  it('reads back object identifiers', () => {
    const rest = fc.array(fc.nat(), { maxLength: 8 });
    fc.assert(
      fc.property(fc.nat(2), fc.nat(39), rest, (first, second, arcs) => {
        const dotted = [first, second, ...arcs].join('.');
        expect(decodeObjectIdentifier(element(objectIdentifier(dotted)))).toBe(dotted);
      }),
    );
  });

  it('throws only its own error for any content', () => {
    const decoders = [
      decodeBoolean,
      decodeInteger,
      decodeSmallInteger,
      decodeObjectIdentifier,
      decodeBitString,
      decodeTime,
      decodeText,
    ];
    const tag = fc.constantFrom(...Object.values(DER_TAGS));
    fc.assert(
      fc.property(tag, fc.uint8Array({ maxLength: 20 }), (number, content) => {
        const item = element(der(number, content));
        for (const decode of decoders) valueOrAgentError<unknown>(() => decode(item));
      }),
    );
  });
});
