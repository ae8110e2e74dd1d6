// Strict CBOR: each value in its one shortest encoding, and nothing that COSE does not need.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CborFloat,
  CborTag,
  type CborValue,
  decodeCbor,
  encodeCborHead,
  MAX_CBOR_DEPTH,
  MAX_CBOR_ITEMS,
} from '../../../agent/notation/encoding/cbor.ts';
import { cbor, type CborInput, head } from '../../support/cbor.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { runs } from '../../support/properties.ts';

const decode = (bytes: Uint8Array, tags: readonly number[] = []): CborValue =>
  decodeCbor(bytes, { what: 'item', code: 'envelope_invalid', tags });
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

describe('decodeCbor', () => {
  // RFC 8949 appendix A, as far as it is in the subset.
  it.each([
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['1903e8', 1000],
    ['1a000f4240', 1_000_000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['1bffffffffffffffff', 18_446_744_073_709_551_615n],
    ['20', -1],
    ['3863', -100],
    ['3bffffffffffffffff', -18_446_744_073_709_551_616n],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['fb3ff199999999999a', new CborFloat(1.1)],
    ['4401020304', hex('01020304')],
    ['6449455446', 'IETF'],
    ['62c3bc', 'ü'],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    [
      'a201020304',
      new Map([
        [1, 2],
        [3, 4],
      ]),
    ],
    [
      'a26161016162820203',
      new Map<string, CborValue>([
        ['a', 1],
        ['b', [2, 3]],
      ]),
    ],
    ['a0', new Map()],
    ['80', []],
  ])('reads %s', (encoded, value) => {
    expect(decode(hex(encoded))).toEqual(value);
  });

  it.each([
    ['an integer in two bytes that fits one', '1817'],
    ['an integer in three bytes that fits two', '1900ff'],
    ['an integer in five bytes that fits three', '1a0000ffff'],
    ['an integer in nine bytes that fits five', '1b00000000ffffffff'],
    ['a negative integer that is too long', '3817'],
    ['a length that is too long', '580101'],
    ['a count that is too long', '980101'],
    ['bytes of indefinite length', '5f4101ff'],
    ['text of indefinite length', '7f6161ff'],
    ['an array of indefinite length', '9f01ff'],
    ['a map of indefinite length', 'bf0102ff'],
    ['a break alone', 'ff'],
    ['a reserved length', '1c'],
    ['a duplicate integer key', 'a201020103'],
    ['a duplicate text key', 'a2616101616102'],
    ['a key of bytes', 'a1410101'],
    ['a key that is a float', 'a1fb3ff000000000000001'],
    ['a tag', 'c100'],
    ['undefined', 'f7'],
    ['a half float', 'f93c00'],
    ['a single float', 'fa3f800000'],
    ['an infinite float', 'fb7ff0000000000000'],
    ['another simple value', 'f8ff'],
    ['invalid UTF-8', '61ff'],
    ['bytes after the item', '0000'],
    ['nothing', ''],
    ['missing bytes', '430102'],
    ['a length that no memory holds', '5bffffffffffffffff'],
    ['a count that no memory holds', '9bffffffffffffffff'],
    ['a map without its last value', 'a101'],
  ])('refuses %s', (_, encoded) => {
    expectCode(() => decode(hex(encoded)), 'envelope_invalid');
  });

  it('accepts only the tags that were asked for', () => {
    expect(decode(hex('c11a514b67b0'), [1])).toEqual(new CborTag(1, 1_363_896_240));
    expectCode(() => decode(hex('c01a514b67b0'), [1]), 'envelope_invalid');
  });

  it('keeps the float 1.0 apart from the integer 1', () => {
    expect(decode(hex('fb3ff0000000000000'))).toEqual(new CborFloat(1));
  });

  it('bounds the depth', () => {
    const nested = (depth: number): Buffer => Buffer.concat([Buffer.alloc(depth, 0x81), hex('00')]);
    expect(decode(nested(MAX_CBOR_DEPTH))).toBeDefined();
    expectCode(() => decode(nested(MAX_CBOR_DEPTH + 1)), 'envelope_invalid');
    expectCode(() => decode(nested(1_000_000)), 'envelope_invalid');
  });

  it('bounds the number of items', () => {
    const array = (count: number): Buffer => Buffer.concat([head(4, count), Buffer.alloc(count)]);
    expect(decode(array(MAX_CBOR_ITEMS - 1))).toHaveLength(MAX_CBOR_ITEMS - 1);
    expectCode(() => decode(array(MAX_CBOR_ITEMS)), 'envelope_invalid');
  });

  const { value: arbitrary } = fc.letrec<{ value: CborInput }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.maxSafeInteger(),
      fc.string(),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.array(tie('value'), { maxLength: 5 }),
      fc
        .uniqueArray(fc.tuple(fc.oneof(fc.integer(), fc.string()), tie('value')), {
          maxLength: 5,
          selector: ([key]) => key,
        })
        .map((entries) => new Map<CborInput, CborInput>(entries)),
    ),
  }));

  it('reads back what is written, and only from those bytes', () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const encoded = cbor(value);
        expect(decode(encoded)).toEqual(value);
        expectCode(() => decode(Buffer.concat([encoded, hex('00')])), 'envelope_invalid');
        expectCode(() => decode(encoded.subarray(0, -1)), 'envelope_invalid');
      }),
    );
  });

  it('reads any bytes to a value with just that encoding, or throws its own error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const value = valueOrAgentError(() => decode(bytes));
        if (value instanceof Error || value instanceof CborFloat) return;
        if (isPlain(value)) expect(cbor(value).equals(bytes)).toBe(true);
      }),
      { numRuns: runs(1000) },
    );
  });
});

function isPlain(
  value: CborValue,
): value is number | bigint | string | boolean | null | Uint8Array {
  return typeof value !== 'object' || value === null || value instanceof Uint8Array;
}

describe('encodeCborHead', () => {
  it.each([0, 23, 24, 255, 256, 65_535, 65_536, 4_194_304])(
    'writes %i as the shortest',
    (length) => {
      for (const majorType of [2, 3, 4] as const) {
        expect(Buffer.from(encodeCborHead(majorType, length))).toEqual(head(majorType, length));
      }
    },
  );
});
