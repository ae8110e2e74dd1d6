import { describe, expect, it } from 'vitest';
import { outputFormat, parseArguments, required } from '../../agent/commands/arguments.ts';
import { expectCode } from '../support/expect-code.ts';

const OPTIONS = {
  policy: { type: 'string' },
  'plain-http': { type: 'boolean' },
} as const;
const GOOD = ['example.io/app:1', '--policy', '/policy.json', '--plain-http'];

const parse = (args: readonly string[]) => parseArguments(args, OPTIONS, ['REF']);

describe('arguments', () => {
  it('are read in any order', () => {
    const values = { policy: '/policy.json', 'plain-http': true };
    for (const args of [GOOD, [...GOOD.slice(1), ...GOOD.slice(0, 1)]]) {
      expect(parse(args)).toMatchObject({ values, positionals: ['example.io/app:1'] });
    }
  });

  it.each([
    ['an unknown option', [...GOOD, '--allow'], '--allow'],
    ['an option without its value', ['example.io/app:1', '--policy'], '--policy'],
    ['a value where none belongs', ['example.io/app:1', '--plain-http=no'], '--plain-http'],
    ['a word too few', GOOD.slice(1), 'REF'],
    ['a word too many', [...GOOD, 'extra'], '"extra"'],
  ])('are refused with %s, which the message names', (_, args, named) => {
    expect(expectCode(() => parse(args), 'argument_invalid').message).toContain(named);
  });

  it('must have what is required, and not as nothing', () => {
    expect(required('/policy.json', '--policy FILE')).toBe('/policy.json');
    for (const value of [undefined, '']) {
      const error = expectCode(() => required(value, '--policy FILE'), 'argument_invalid');
      expect(error.message).toContain('--policy FILE');
    }
  });

  it('choose between text and JSON', () => {
    expect([undefined, 'text', 'json'].map(outputFormat)).toEqual(['text', 'text', 'json']);
    expectCode(() => outputFormat('yaml'), 'argument_invalid');
  });
});
