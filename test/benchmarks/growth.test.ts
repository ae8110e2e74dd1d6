import { describe, expect, it } from 'vitest';
import { exponent } from '../../hack/benchmarks/growth.ts';

const SIZES = [100, 1000, 10_000];

describe('the exponent of growth', () => {
  it.each([
    ['nothing grows', () => 7, 0],
    ['it grows as the images do', (size: number) => 3 * size, 1],
    ['it grows as their square', (size: number) => size * size, 2],
  ])('is that of the power when %s', (_when, of, wanted) => {
    expect(exponent(SIZES, SIZES.map(of))).toBeCloseTo(wanted, 9);
  });

  it('is below one where a part does not grow', () => {
    const sizes = SIZES.map((size) => 10_000 + size);
    expect(exponent(SIZES, sizes)).toBeGreaterThan(0);
    expect(exponent(SIZES, sizes)).toBeLessThan(0.5);
  });
});
