// Strict JSON: every document that two readers could read differently is refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MAX_JSON_DEPTH,
  MAX_JSON_VALUES,
  parseStrictJson,
} from '../../../agent/notation/encoding/json.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';
import { runs } from '../../support/properties.ts';

const OPTIONS = { what: 'document', code: 'policy_invalid', maxBytes: 1_000_000 } as const;
const parse = (text: string | Uint8Array): unknown => parseStrictJson(text, OPTIONS);
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('parseStrictJson', () => {
  it.each([
    ['{}', {}],
    [' { "a" : [ 1 , -0.5e+2 , true , false , null ] } \r\n\t', { a: [1, -50, true, false, null] }],
    ['"\\u00e9\\n\\ud83d\\ude00"', 'é\n😀'],
    ['{"":{"a":1},"b":{"a":1}}', { '': { a: 1 }, b: { a: 1 } }],
    ['[[],{},""]', [[], {}, '']],
    ['0', 0],
  ])('reads %s', (text, value) => {
    expect(parse(text)).toEqual(value);
    expect(parse(Buffer.from(text))).toEqual(value);
  });

  it.each([
    ['a duplicate member', '{"a":1,"a":1}'],
    ['a duplicate member spelt with an escape', '{"a":1,"\\u0061":2}'],
    ['a duplicate member further down', '[{"b":{"a":1,"a":1}}]'],
    ['a duplicate __proto__', '{"__proto__":1,"__proto__":2}'],
    ['a byte order mark', '\ufeff{}'],
    ['a second document', '{} {}'],
    ['a trailing comma in an object', '{"a":1,}'],
    ['a trailing comma in an array', '[1,]'],
    ['a member without a value', '{"a"}'],
    ['a member name that is no string', '{a:1}'],
    ['a comment', '{}//'],
    ['single quotes', "{'a':1}"],
    ['a leading zero', '01'],
    ['a leading plus', '+1'],
    ['a bare point', '1.'],
    ['NaN', 'NaN'],
    ['a number too large to hold', '1e999'],
    ['an unknown escape', '"\\x41"'],
    ['a short escape', '"\\u00e"'],
    ['a lone surrogate', '"\\ud83d"'],
    ['a line break in a string', '"a\nb"'],
    ['an open string', '"a'],
    ['a string that ends in a backslash', '"a\\'],
    ['an open object', '{"a":1'],
    ['an open array', '[1'],
    ['nothing', ''],
    ['only white space', ' \n'],
    ['another kind of space', '\u00a0{}'],
    ['a wrong literal', 'nul'],
  ])('refuses %s', (_, text) => {
    expectCode(() => parse(text), 'policy_invalid');
  });

  it('refuses invalid UTF-8', () => {
    expect(parse(Buffer.from('"\u00e9"'))).toBe('é');
    expectCode(() => parse(Buffer.from('"\u00e9"', 'latin1')), 'policy_invalid');
  });

  it('gives objects without a prototype, in which no name is special', () => {
    const value = parse('{"__proto__":{"polluted":true},"constructor":1}') as object;
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect('polluted' in value).toBe(false);
  });

  it('bounds the depth', () => {
    expect(parse(nested(MAX_JSON_DEPTH))).toBeDefined();
    expectCode(() => parse(nested(MAX_JSON_DEPTH + 1)), 'policy_invalid');
    expectCode(() => parseStrictJson('[[[]]]', { ...OPTIONS, maxDepth: 2 }), 'policy_invalid');
    expectCode(() => parse('['.repeat(500_000)), 'policy_invalid');
  });

  it('bounds the number of values, of members as of items', () => {
    const array = (count: number): string => `[${Array(count).fill('0').join(',')}]`;
    expect(parse(array(MAX_JSON_VALUES - 1))).toHaveLength(MAX_JSON_VALUES - 1);
    expectCode(() => parse(array(MAX_JSON_VALUES)), 'policy_invalid');
    const three = { ...OPTIONS, maxValues: 3 };
    expect(parseStrictJson('{"a":1,"b":[]}', three)).toEqual({ a: 1, b: [] });
    expectCode(() => parseStrictJson('{"a":1,"b":[{}]}', three), 'policy_invalid');
  });

  it('bounds the size in bytes, not in characters', () => {
    expect(parseStrictJson('"éé"', { ...OPTIONS, maxBytes: 6 })).toBe('éé');
    expectCode(() => parseStrictJson('"éé"', { ...OPTIONS, maxBytes: 5 }), 'policy_invalid');
    expectCode(
      () => parseStrictJson(Buffer.from('"éé"'), { ...OPTIONS, maxBytes: 5 }),
      'policy_invalid',
    );
  });

  it('says which document, what it expected, what it found, and where', () => {
    const error = expectCode(() => parse('{"a":1 "b":2}'), 'policy_invalid');
    expect(error.message).toBe(
      String.raw`document: expected "," or "}", found "\"" (at character 7)`,
    );
  });

  it('reads whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8, noUnicodeString: false }), (value) => {
        const text = JSON.stringify(value);
        expect(JSON.stringify(parse(text))).toBe(text);
      }),
    );
  });

  it('accepts nothing that JSON.parse refuses, and throws only its own error', () => {
    const piece = fc.constantFrom(
      ...Array.from('{}[]:,"\\u0aE-+. \n'),
      'true',
      'null',
      '"a"',
      '12',
      '\ud83d',
    );
    const text = fc.oneof(
      fc.array(piece).map((pieces) => pieces.join('')),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (document) => {
        const value = valueOrAgentError(() => parse(document));
        if (!(value instanceof Error)) expect(value).toEqual(JSON.parse(document));
      }),
      { numRuns: runs(1000) },
    );
  });
});
