// D-Bus values: what was encoded is read again in both byte orders, and nothing malformed is.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeValues } from '../../../../agent/node/host/dbus/values.ts';
import { type Encodable, encodeValues } from '../../../support/dbus-encode.ts';
import { expectCode } from '../../../support/expect-code.ts';
import { valueOrAgentError } from '../../../support/only-agent-errors.ts';

interface Typed {
  readonly signature: string;
  readonly value: Encodable;
}

const typed = (signature: string, values: fc.Arbitrary<Encodable>): fc.Arbitrary<Typed> =>
  values.map((value) => ({ signature, value }));

const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));

const { any } = fc.letrec<{ any: Typed }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    typed('y', fc.nat(255)),
    typed('b', fc.boolean()),
    typed('n', fc.integer({ min: -32768, max: 32767 })),
    typed('q', fc.nat(65535)),
    typed('i', fc.integer()),
    typed('u', fc.nat()),
    typed('x', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
    typed('t', fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    typed('d', fc.double()),
    typed('s', text),
    typed('g', fc.constantFrom('', 's', 'a{sv}')),
    typed('as', fc.array(text, { maxLength: 5 })),
    typed('a{sv}', fc.array(fc.tuple(text, tie('any')), { maxLength: 3 })),
    tie('any').map((inner) => ({ signature: 'v', value: inner })),
    fc.array(tie('any'), { minLength: 1, maxLength: 4 }).map((members) => ({
      signature: `(${members.map(({ signature }) => signature).join('')})`,
      value: members.map(({ value }) => value),
    })),
    fc.tuple(tie('any'), fc.nat(3)).map(([{ signature, value }, count]) => ({
      signature: `a${signature}`,
      value: Array.from({ length: count }, () => value),
    })),
  ),
}));

describe('values of D-Bus', () => {
  it('are what was encoded, in both byte orders', () => {
    const property = fc.property(fc.array(any, { maxLength: 4 }), fc.boolean(), (all, little) => {
      const signature = all.map((one) => one.signature).join('');
      fc.pre(signature.length <= 255);
      const values = all.map(({ value }) => value);
      expect(decodeValues(encodeValues(signature, values, little), signature, little)).toEqual(
        values,
      );
    });
    fc.assert(property);
  });

  it('are values or an error of ours, whatever the bytes and the signature', () => {
    const signature = fc.string({
      unit: fc.constantFrom(...'ybnqiuxtdsogav(){}h'.split('')),
      maxLength: 12,
    });
    const property = fc.property(fc.uint8Array({ maxLength: 64 }), signature, (bytes, type) => {
      valueOrAgentError(() => decodeValues(bytes, type, true));
    });
    fc.assert(property);
  });

  it('are values or an error of ours when a byte of good ones is another, or the end is missing', () => {
    const good = encodeValues('a{sv}(yas)', [
      [['k', { signature: 'ax', value: [1n, 2n] }]],
      [1, ['a', 'b']],
    ]);
    for (let at = 0; at < good.length; at += 1) {
      expectCode(() => decodeValues(good.subarray(0, at), 'a{sv}(yas)', true), 'systemd_failed');
      for (const byte of [0, 1, 0x7f, 0xff]) {
        const bad = Buffer.from(good);
        bad[at] = byte;
        valueOrAgentError(() => decodeValues(bad, 'a{sv}(yas)', true));
      }
    }
  });

  it.each([
    ['a boolean of 2', 'b', [2, 0, 0, 0]],
    ['bytes after the last value', 'y', [1, 2]],
    ['padding that is not zero', 'yu', [1, 9, 0, 0, 1, 0, 0, 0]],
    ['a string without its zero', 's', [1, 0, 0, 0, 0x61, 0x61]],
    ['a string with a zero in it', 's', [2, 0, 0, 0, 0x61, 0, 0]],
    ['a string that is no UTF-8', 's', [1, 0, 0, 0, 0xff, 0]],
    ['an array that is longer than its message', 'ay', [9, 0, 0, 0, 1]],
    ['an element that is longer than its array', 'au', [3, 0, 0, 0, 1, 0, 0, 0]],
    ['a variant of two types', 'v', [2, 0x79, 0x79, 0, 1, 1]],
    ['a variant of none', 'v', [0, 0]],
  ])('refuse %s', (_, signature, bytes) => {
    expectCode(() => decodeValues(Uint8Array.from(bytes), signature, true), 'systemd_failed');
  });

  it.each(['z', 'a', '(', '()', '(s', '{s}', '{sss}', 'a{s', ')', 'y'.repeat(256)])(
    'refuse the signature %s',
    (signature) => {
      expectCode(() => decodeValues(Buffer.alloc(2000), signature, true), 'systemd_failed');
    },
  );

  it('refuse what is deeper than D-Bus allows, in a signature and through variants', () => {
    expectCode(
      () => decodeValues(Buffer.alloc(400), 'a'.repeat(100) + 'y', true),
      'systemd_failed',
    );
    let value: Encodable = 1;
    for (let depth = 0; depth < 60; depth += 1) {
      value = { signature: depth === 0 ? 'y' : 'v', value };
    }
    expect(() => decodeValues(encodeValues('v', [value]), 'v', true)).not.toThrow();
    for (let depth = 0; depth < 10; depth += 1) value = { signature: 'v', value };
    expectCode(() => decodeValues(encodeValues('v', [value]), 'v', true), 'systemd_failed');
  });
});
