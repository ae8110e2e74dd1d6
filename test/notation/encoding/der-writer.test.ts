import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bitString,
  der,
  positiveInteger,
  sequence,
  time,
} from '../../../agent/notation/encoding/der-writer.ts';
import * as reference from '../../support/der.ts';

describe('the DER writer', () => {
  it.each([0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff])('writes %d bytes of content', (length) => {
    const content = Buffer.alloc(length, 7);
    expect(der(0x04, content)).toEqual(reference.octetString(content));
  });

  it('does not write more, rather than a wrong length', () => {
    expect(() => der(0x04, Buffer.alloc(0x10000))).toThrow(TypeError);
  });

  it('writes positive numbers in their shortest form', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), (bytes) => {
        fc.pre(bytes.some((byte) => byte !== 0));
        const value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
        expect(positiveInteger(bytes)).toEqual(reference.integer(value));
      }),
    );
    expect(() => positiveInteger(Buffer.alloc(3))).toThrow(TypeError);
  });

  it.each(['2026-01-02T03:04:05.678Z', '2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z'])(
    'writes the time %s',
    (text) => {
      expect(time(new Date(text))).toEqual(reference.time(new Date(text)));
    },
  );

  it('writes what is within', () => {
    const inner = bitString(Buffer.from([0x80]), 7);
    expect(inner).toEqual(Buffer.from('03020780', 'hex'));
    expect(sequence(inner, inner)).toEqual(reference.sequence(inner, inner));
  });
});
