import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextPage } from '../../../agent/verifier/registry/link.ts';

const PAGE = new URL('https://registry.example:5000/v2/a/referrers/sha256:0?artifactType=t');

describe('nextPage', () => {
  it.each([
    ['a path', '</v2/a/referrers/sha256:0?n=2>; rel="next"'],
    ['a query', '<?n=2>; rel="next"'],
    ['a URL', '<https://registry.example:5000/v2/a/referrers/sha256:0?n=2>; rel="next"'],
    ['without quotes', '<?n=2>;rel=next'],
    ['among other relations', '<?n=0>; rel="prev", <?n=2>; title="x"; rel="last next"'],
  ])('reads %s', (_, header) => {
    const expected = 'https://registry.example:5000/v2/a/referrers/sha256:0?n=2';
    expect(nextPage(PAGE, header)?.href).toBe(expected);
  });

  it.each([
    ['another host', '<https://thief.example/v2/a?n=2>; rel="next"'],
    ['another host without a scheme', '<//thief.example/v2/a?n=2>; rel="next"'],
    ['plain HTTP', '<http://registry.example:5000/v2/a?n=2>; rel="next"'],
    ['credentials', '<https://user:secret@registry.example:5000/v2/a?n=2>; rel="next"'],
  ])('stays at the origin of the page, whatever a link to %s says', (_, header) => {
    expect(nextPage(PAGE, header)?.href).toBe('https://registry.example:5000/v2/a?n=2');
  });

  it.each([
    undefined,
    '',
    '<?n=2>',
    '<?n=2>; rel="prev"',
    '<?n=2>; rel="nextish"',
    '?n=2; rel="next"',
    '<http://[>; rel="next"',
  ])('finds no next page in %j', (header) => {
    expect(nextPage(PAGE, header)).toBeUndefined();
  });

  it('never throws, and never leaves the origin', () => {
    const piece = fc.constantFrom('http:', '//', '/', '?', '#', '@', ':1', '..', '[', 'a.example');
    const pieces = fc.array(piece).map((all) => all.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string(), pieces), (target) => {
        const next = nextPage(PAGE, `<${target}>; rel="next"`);
        expect([PAGE.origin, undefined]).toContain(next?.origin);
      }),
    );
  });

  it('reads a hostile header in time that grows with its length', () => {
    const started = performance.now();
    nextPage(PAGE, '<>; rel="'.repeat(100_000));
    nextPage(PAGE, `<>; rel="${'next '.repeat(100_000)}`);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
