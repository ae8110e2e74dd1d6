// Every parser of bytes from others: a value or our own error, in bounded time, whatever it is given.
import { describe, expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';
import { PARSERS } from './parsers.ts';

const RUNS = 150;
const SEED = 3;

describe('a parser of hostile bytes', () => {
  it.each(PARSERS.map((parser) => [parser.name, parser] as const))(
    'of %s returns a value or throws our own error, in bounded time',
    async (_, parser) => {
      const result = await fuzz(parser, { runs: RUNS, seed: SEED });
      expect(result.failure).toBeUndefined();
      expect(result).toMatchObject({ runs: RUNS, values: RUNS - result.errors });
    },
  );
});
