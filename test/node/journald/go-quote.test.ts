// Go's %q: every escape, and what is none.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import { parseGoQuoted } from '../../../agent/node/journald/go-quote.ts';
import { expectCode } from '../../support/expect-code.ts';

describe('parseGoQuoted', () => {
  it.each([
    [String.raw`""`, ''],
    [String.raw`"plain => <text> & ünï"`, 'plain => <text> & ünï'],
    [String.raw`"\a\b\f\n\r\t\v"`, '\x07\b\f\n\r\t\v'],
    [String.raw`"\\ \""`, '\\ "'],
    [String.raw`"\x00\x1b\x7f"`, '\0\x1b\x7f'],
    [String.raw`"\xff\xfe"`, '\ufffd\ufffd'],
    [String.raw`"\u200b\ufeff"`, '\u200b\ufeff'],
    [String.raw`"\U000e0001\U0010ffff"`, '\u{e0001}\u{10ffff}'],
    [String.raw`"\ud800"`, '\ufffd'],
    [String.raw`"PullImage \"busybox\\n\" failed"`, String.raw`PullImage "busybox\n" failed`],
  ])('reads %s', (text, value) => {
    expect(parseGoQuoted(text, 0)).toEqual({ value, end: text.length });
  });

  it('starts where it is told and stops after the closing quote', () => {
    expect(parseGoQuoted('k="v" rest', 2)).toEqual({ value: 'v', end: 5 });
  });

  it.each([
    ['no opening quote', 'v"'],
    ['no closing quote', '"v'],
    ['a quote that is escaped', String.raw`"v\"`],
    ['a lone backslash at the end', '"v\\'],
    ['an escape of another language', String.raw`"\0"`],
    ['too few digits', String.raw`"\x0"`],
    ['a digit that is none', String.raw`"\u12g4"`],
    ['a code point beyond Unicode', String.raw`"\U00110000"`],
  ])('rejects %s', (_, text) => {
    expectCode(() => parseGoQuoted(text, 0), 'journal_line_invalid');
  });

  it('reads back any text that Go would quote', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const quoted = `"${Array.from(text, quoteCharacter).join('')}"`;
        expect(parseGoQuoted(quoted, 0)).toEqual({ value: text, end: quoted.length });
      }),
    );
  });

  it('returns a value or throws AgentError, whatever the text', () => {
    const unit = fc.constantFrom('"', '\\', 'x', 'u', 'U', 'n', '0', 'f', ' ', 'é');
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        try {
          expect(parseGoQuoted(`"${text}`, 0).end).toBeLessThanOrEqual(text.length + 1);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
        }
      }),
    );
  });
});

function quoteCharacter(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`;
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x20 || point === 0x7f) return `\\x${point.toString(16).padStart(2, '0')}`;
  return point > 0xffff ? `\\U${point.toString(16).padStart(8, '0')}` : character;
}
