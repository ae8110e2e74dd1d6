// What was signed, changed: refused, or says the same as before.
import { describe, expect, it } from 'vitest';
import { fuzz } from './fuzz.ts';
import { SIGNED } from './signed.ts';

const RUNS = 100;
const SEED = 3;

describe('a change', () => {
  it.each(SIGNED.map((reader) => [reader.name, reader] as const))(
    'to a %s is refused, or leaves what it says',
    async (_, reader) => {
      const result = await fuzz(reader, { runs: RUNS, seed: SEED });
      expect(result.failure).toBeUndefined();
      expect(result.errors).toBeGreaterThan(RUNS / 2);
    },
  );
});
