import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Column, table } from '../../agent/commands/table.ts';
import { widthOf } from '../../agent/commands/wrap.ts';

const COLUMNS: readonly Column[] = [
  { title: 'STATE' },
  { title: 'IMAGE', least: 6 },
  { title: 'PODS', least: 4 },
];
const row = (...texts: readonly string[]) => texts.map((text) => ({ text }));
const PLAIN = { colours: false };

describe('a table', () => {
  it('has columns as wide as what is in them', () => {
    expect(table(COLUMNS, [row('failed', 'a', 'shop/cart'), row('ok', 'registry/app', '')], PLAIN))
      .toBe(`STATE   IMAGE         PODS
failed  a             shop/cart
ok      registry/app
`);
  });

  it('narrows the widest column first, and wraps under it', () => {
    const screen = { columns: 26, colours: false };
    expect(table(COLUMNS, [row('ok', 'registry/team/app:v1', 'pod-1')], screen)).toBe(
      `STATE  IMAGE         PODS
ok     registry/tea  pod-1
       m/app:v1
`,
    );
  });

  it('stops at the least of each column, and never narrows one that has none', () => {
    const text = table(COLUMNS, [row('inconclusive', 'registry/app', 'shop/cart')], {
      ...{ columns: 10, colours: false },
    });
    expect(text.split('\n')[1]).toBe('inconclusive  regist  shop');
  });

  it('colours only where the screen has colours', () => {
    const rows = [[{ text: 'failed', style: ['red'] as const }, { text: 'a' }, { text: '' }]];
    const coloured = table(COLUMNS, rows, { colours: true });
    expect(coloured).toContain('\u001b[31mfailed');
    expect(stripVTControlCharacters(coloured)).toBe(table(COLUMNS, rows, PLAIN));
  });

  it('keeps to the width of the screen, whatever is in it, and commands no terminal', () => {
    const texts = fc.array(fc.string({ unit: 'binary', maxLength: 60 }), {
      ...{ minLength: 2, maxLength: 2 },
    });
    fc.assert(
      fc.property(
        fc.array(texts, { maxLength: 5 }),
        fc.integer({ min: 24, max: 80 }),
        (all, columns) => {
          const rows = all.map(([image = '', pods = '']) => row('failed', image, pods));
          const text = table(COLUMNS, rows, { columns, colours: false });
          for (const line of text.split('\n')) {
            expect(line).not.toMatch(/(?! )[\p{C}\p{Z}]/u);
            expect(widthOf(line)).toBeLessThanOrEqual(columns);
            expect(line).toMatch(/^(?:STATE|failed| {8}|$)/);
          }
        },
      ),
    );
  });
});
