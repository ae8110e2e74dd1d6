import { describe, expect, it } from 'vitest';
import { nextCanaryMs } from '../../agent/enforcement/schedule.ts';

const HOUR_MS = 3_600_000;

describe('the next canary', () => {
  it('comes after the interval, a tenth more or less, when this one proved', () => {
    expect(nextCanaryMs('proved', 0, HOUR_MS, 0.5)).toBe(HOUR_MS);
    expect(nextCanaryMs('proved', 0, HOUR_MS, 0)).toBe(3_240_000);
    expect(nextCanaryMs('proved', 0, HOUR_MS, 1)).toBe(3_960_000);
  });

  it.each(['refuted', 'inconclusive'] as const)('comes ever later when it was %s', (kind) => {
    const waits = [1, 2, 3, 9, 10, 100, 5000].map((n) => nextCanaryMs(kind, n, HOUR_MS, 0.5));
    expect(waits).toEqual([1000, 2000, 4000, 256_000, 512_000, 600_000, 600_000]);
  });

  it('never waits longer for a retry than for the next', () => {
    expect(nextCanaryMs('refuted', 100, 5000, 0.5)).toBe(5000);
  });
});
