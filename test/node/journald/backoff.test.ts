// The wait between two runs of journalctl.
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../../agent/node/journald/backoff.ts';

const BACKOFF = { initialMs: 100, maxMs: 1000 };

describe('backoffMs', () => {
  it('doubles up to the cap', () => {
    const waits = [1, 2, 3, 4, 5, 1000].map((failures) => backoffMs(failures, 0, BACKOFF));
    expect(waits).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  it('takes off up to a half at random', () => {
    expect(backoffMs(1, 0.5, BACKOFF)).toBe(75);
    expect(backoffMs(5, 0.999, BACKOFF)).toBeGreaterThanOrEqual(500);
  });
});
