// When an image is looked at again, and when it may ask its registry.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asksForAnother,
  askTime,
  nextReverification,
  REVERIFICATION_TIMES,
} from '../../agent/audit/reverification-schedule.ts';

const DAY_MS = REVERIFICATION_TIMES.intervalMs;
const NOW = new Date('2026-08-22T10:00:00Z');

function after(ms: number): Date {
  return new Date(NOW.getTime() + ms);
}

describe('nextReverification', () => {
  it.each([
    [false, 5, 0, DAY_MS, 0],
    [false, 0, 0.999, DAY_MS * 0.9001, 0],
    [true, 0, 0, 60_000, 1],
    [true, 3, 0.5, 360_000, 4],
    [true, 1000, 0, 3_600_000, 1001],
  ])(
    'inconclusive %s after %i attempts at random %f',
    (inconclusive, attempts, random, ms, then) => {
      const verdict = { inconclusive, validUntil: null };
      const next = nextReverification(verdict, attempts, NOW, random, REVERIFICATION_TIMES);
      expect(next).toEqual({ due: after(ms), attempts: then });
    },
  );

  const dueOf = (validUntilMs: number, random = 0, inconclusive = false): number => {
    const verdict = { inconclusive, validUntil: after(validUntilMs).toISOString() };
    const next = nextReverification(verdict, 0, NOW, random, REVERIFICATION_TIMES);
    return next.due.getTime() - NOW.getTime();
  };

  it('is the moment at which time alone may change the verdict, if that is sooner', () => {
    expect(dueOf(3_600_000)).toBe(3_600_000);
    expect(dueOf(2 * DAY_MS)).toBe(DAY_MS);
  });

  it('is spread over ten seconds after that moment', () => {
    expect([0, 0.5, 0.9].map((random) => dueOf(3_600_000, random) - 3_600_000)).toEqual([
      0, 5_000, 9_000,
    ]);
  });

  it('is never before that moment, and at most seconds after it', () => {
    const some = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(some, (random) => {
        const due = dueOf(3_600_000, random);
        return due >= 3_600_000 && due <= 3_600_000 + 10_000;
      }),
    );
  });

  it('is not at once, also where the moment is', () => {
    expect(dueOf(1)).toBe(10_000);
    expect(dueOf(-1)).toBe(10_000);
  });

  it('is the retry where nothing could be told', () => {
    expect(dueOf(1, 0, true)).toBe(60_000);
  });
});

describe('asksForAnother', () => {
  const asked = (attempts: number, changes = {}) =>
    asksForAnother(attempts, { ...REVERIFICATION_TIMES, ...changes });

  it('is at first, and when all others had their turn', () => {
    expect([0, 1, 2, 3, 4, 5, 2000].map((attempts) => asked(attempts))).toEqual([
      ...[true, false, false, false],
      ...[true, true, true],
    ]);
  });

  it('is each time without a spread, and at last where the retries are shorter than it', () => {
    expect(asked(1, { spreadMs: 0 })).toBe(true);
    expect([1, 2].map((attempts) => asked(attempts, { maxRetryMs: 240_000 }))).toEqual([
      false,
      true,
    ]);
  });
});

describe('askTime', () => {
  const share = { images: 100, running: 25 };
  const ask = (isRunning: boolean, random: number, of = share) =>
    askTime(NOW, isRunning, of, random, 600_000).getTime() - NOW.getTime();

  it('lets what runs go first', () => {
    expect([0, 0.999999].map((random) => ask(true, random))).toEqual([0, 150_000]);
    expect([0, 0.999999].map((random) => ask(false, random))).toEqual([150_000, 600_000]);
  });

  it('is anywhere in the spread where all images are alike', () => {
    for (const [isRunning, running] of [
      [true, 100],
      [false, 0],
      [true, 120],
    ] as const) {
      expect(ask(isRunning, 0.5, { images: 100, running })).toBe(300_000);
    }
    expect(ask(false, 0.5, { images: 0, running: 0 })).toBe(300_000);
  });

  it('never has more images come in a while than if they were all alike', () => {
    const perMinute = new Array<number>(10).fill(0);
    for (let n = 0; n < 10_000; n++) {
      const minute = Math.floor(ask(n % 4 === 0, n / 10_000) / 60_000);
      perMinute[minute] = (perMinute[minute] ?? 0) + 1;
    }
    expect(Math.max(...perMinute)).toBeLessThan(1020);
    expect(Math.min(...perMinute)).toBeGreaterThan(980);
  });
});
