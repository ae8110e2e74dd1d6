// Semantic versions: which texts are one, and their order.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareSemVer, parseSemVer } from '../../../agent/notation/encoding/semver.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { runs } from '../../support/properties.ts';

const parse = (text: string) => parseSemVer(text, { what: 'version', code: 'envelope_invalid' });
const compare = (a: string, b: string) => Math.sign(compareSemVer(parse(a), parse(b)));

/** The specification's own example of an order, and what it leaves out. */
const ASCENDING = [
  '0.0.0',
  '0.0.1-0',
  '0.0.1',
  '0.10.0',
  '1.0.0--',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-alpha.beta',
  '1.0.0-beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-beta.99999999999999999998',
  '1.0.0-beta.99999999999999999999',
  '1.0.0-rc.1',
  '1.0.0',
  '2.0.0',
  '9.9.9',
  '10.0.0',
  '99999999999999999998.0.0',
  '99999999999999999999.0.0',
];

describe('semantic versions', () => {
  it('are ordered as the specification says', () => {
    for (const [index, lower] of ASCENDING.entries()) {
      expect(compare(lower, lower)).toBe(0);
      for (const higher of ASCENDING.slice(index + 1)) {
        expect([lower, higher, compare(lower, higher)]).toEqual([lower, higher, -1]);
        expect([higher, lower, compare(higher, lower)]).toEqual([higher, lower, 1]);
      }
    }
  });

  it.each([
    ['1.0.0', '1.0.0+build'],
    ['1.0.0-rc.1+a-b.001', '1.0.0-rc.1+c'],
  ])('are equal whatever the build: %s and %s', (a, b) => {
    expect(compare(a, b)).toBe(0);
  });

  it.each([
    '',
    '1',
    '1.0',
    '1.0.0.0',
    'v1.0.0',
    ' 1.0.0',
    '1.0.0\n',
    '01.0.0',
    '1.00.0',
    '1.-1.0',
    '1.0.x',
    '1.0.0-',
    '1.0.0-01',
    '1.0.0-a..b',
    '1.0.0-a_b',
    '1.0.0+',
    '1.0.0+a+b',
    '1.0.0+a..b',
    '1.0.0-ä',
    '١.0.0',
    `1.0.0-${'a'.repeat(251)}`,
  ])('are not %j', (text) => {
    expectCode(() => parse(text), 'envelope_invalid');
  });

  it('may be as long as 256 characters', () => {
    expect(parse(`1.0.0-${'a'.repeat(250)}`).preRelease).toHaveLength(1);
  });

  it('are parsed from anything without another error than ours, and as the pattern of semver.org says', () => {
    const pattern =
      /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/;
    const piece = fc.constantFrom('0', '1', '10', 'a', '.', '-', '+', 'Z', '_');
    const text = fc.oneof(
      fc.string(),
      fc.array(piece).map((pieces) => `1.0.0${pieces.join('')}`),
    );
    fc.assert(
      fc.property(text, (found) => {
        const version = valueOrAgentError(() => parse(found));
        expect(!(version instanceof Error)).toBe(pattern.test(found));
      }),
      { numRuns: runs(1000) },
    );
  });
});
