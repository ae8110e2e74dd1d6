// When evidence is asked for anew.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVIDENCE_LIMITS } from '../../../agent/verifier/evidence/limits.ts';
import { patienceMs, renewalOf } from '../../../agent/verifier/evidence/renewal.ts';
import { NOW } from './fixture.ts';

const MINUTE_MS = 60_000;
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

/** Minutes from the end at which evidence of so many is asked for anew, having been asked for so many before. */
function renewal(validForMin: number, askedBeforeMin: number, random: number): number {
  const at = (minutes: number) => new Date(NOW.getTime() + minutes * MINUTE_MS);
  const period = { thisUpdate: at(-validForMin), validUntil: NOW };
  const renewAt = renewalOf(period, at(-askedBeforeMin), random, EVIDENCE_LIMITS);
  return (renewAt.getTime() - NOW.getTime()) / MINUTE_MS;
}

describe('evidence', () => {
  it('of a day is asked for anew within its last hour, and in vain once more within ten minutes after', () => {
    expect(renewal(1440, 1440, 0.5)).toBe(-30);
    expect(renewal(1440, 30, 0.5)).toBeCloseTo(5, 4);
    expect(renewal(1440, 30.01, 0.5)).toBe(-30);
  });

  it('of minutes is asked for anew within their last quarter, or one after it', () => {
    expect(renewal(4, 4, 0.5)).toBe(-0.5);
    expect(renewal(4, 0.5, 0.5)).toBeCloseTo(0.5, 4);
  });

  it('is asked for anew after it was asked for, and soon after the end at the latest', () => {
    fc.assert(
      fc.property(fc.nat(2000), fc.nat(2000), share, (validForMin, askedBeforeMin, random) => {
        const at = renewal(validForMin, askedBeforeMin, random);
        expect(at).toBeGreaterThan(-Math.min(askedBeforeMin, 60, validForMin / 4) - 1e-9);
        expect(at).toBeLessThan(10 + 1e-4);
      }),
    );
  });

  it('that says to have ended before it was issued is asked for anew at its end', () => {
    expect(renewal(-5, 10, 0.9)).toBe(renewal(0, 10, 0));
  });
});

describe('patience', () => {
  it('is a minute at most after one failure, and then never below the spread after an end', () => {
    expect([0, 1].map((random) => patienceMs(1, random, EVIDENCE_LIMITS))).toEqual([
      60_000, 30_000,
    ]);
    for (const failures of [2, 3, 1000]) {
      expect(patienceMs(failures, 0, EVIDENCE_LIMITS)).toBe(600_000);
      expect(patienceMs(failures, 0.5, EVIDENCE_LIMITS)).toBe(900_000);
    }
  });
});
