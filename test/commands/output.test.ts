import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonLine, textLines } from '../../agent/commands/output.ts';

/** What moves a cursor, paints, hides or reorders; the line end alone is ours. */
const COMMANDING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const anyText = fc.string({ unit: 'binary', maxLength: 200 });

describe('lines of text', () => {
  it('keep what can be read', () => {
    expect(textLines(['✓ name “ä”', ''])).toBe('✓ name “ä”\n\n');
  });

  it('show escape sequences, line ends and text direction as numbers', () => {
    expect(textLines(['a\u001b[31mb\r\nc\u009b2Jd\u202ee'])).toBe(
      'a\\u{1b}[31mb\\u{d}\\u{a}c\\u{9b}2Jd\\u{202e}e\n',
    );
  });

  it('are as many as were given and hold no command, whatever is in them', () => {
    fc.assert(
      fc.property(fc.array(anyText), (lines) => {
        const printed = textLines(lines).split('\n');
        expect(printed).toHaveLength(lines.length + 1);
        for (const line of printed) expect(line).not.toMatch(COMMANDING);
      }),
    );
  });

  it('do not flood', () => {
    expect(textLines(['x'.repeat(1_000_000)]).length).toBeLessThan(11_000);
  });
});

describe('a line of JSON', () => {
  it('parses to what was given and holds no command, whatever is in it', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const line = jsonLine({ [text]: [text] });
        expect(JSON.parse(line)).toEqual({ [text]: [text] });
        expect(line.endsWith('\n')).toBe(true);
        expect(line.slice(0, -1)).not.toMatch(COMMANDING);
      }),
    );
  });

  it('escapes characters beyond 16 bits as two', () => {
    expect(jsonLine('\u{e0001}\u009b')).toBe('"\\udb40\\udc01\\u009b"\n');
  });
});
