// Quoting of found values: short, one line, printable.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { show } from '../../agent/oci/show.ts';

describe('show', () => {
  it.each([
    ['text', '"text"'],
    ['café ☕', '"café ☕"'],
    ['a\nb', '"a\\nb"'],
    ['\u001b[31m\u009b', '"\\u001b[31m\\u{9b}"'],
    ['\u202egpj.exe', '"\\u{202e}gpj.exe"'],
    [7, '7'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'nothing'],
    [[1, 2], 'an array of 2'],
    [{}, 'an object'],
    [Symbol('x'), 'a symbol'],
  ])('shows $1', (value, expected) => {
    expect(show(value)).toBe(expected);
  });

  it('is one short printable line, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.string({ unit: 'binary', minLength: 150 })),
        (value) => {
          expect(show(value)).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]{1,2000}$/u);
        },
      ),
    );
  });
});
