import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wrap } from '../../agent/commands/wrap.ts';

describe('text in lines', () => {
  it.each([
    ['', ['']],
    ['short', ['short']],
    ['exactly twenty chars', ['exactly twenty chars']],
    [
      'as many words as fit, then the next line',
      ['as many words as', 'fit, then the next', 'line'],
    ],
    ['a sha256:0123456789abcdef0123456789', ['a', 'sha256:0123456789abc', 'def0123456789']],
    ['ends here: sha256:0123456789abcdef', ['ends here:', 'sha256:0123456789abc', 'def']],
    ['two  spaces', ['two  spaces']],
  ])('%j', (text, lines) => {
    expect(wrap(text, 20)).toEqual(lines);
  });

  it('counts what may be wide as wide', () => {
    expect(wrap('漢'.repeat(11), 20)).toEqual(['漢'.repeat(10), '漢']);
    expect(wrap('🙂'.repeat(11), 20)).toEqual(['🙂'.repeat(10), '🙂']);
  });

  it('does not go below what can be read', () => {
    expect(wrap('x'.repeat(21), 1)).toEqual(['x'.repeat(20), 'x']);
  });

  it('loses nothing but spaces and makes no line too long', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.nat(60), (text, columns) => {
        const lines = wrap(text, columns);
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(Math.max(20, columns));
      }),
    );
  });
});
