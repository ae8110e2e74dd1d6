// Settling: how long after the clock, and what it names to the ledger.
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../agent/audit/clock.ts';
import type { Ledger } from '../../../agent/audit/ledger.ts';
import { Settling } from '../../../agent/commands/run/settling.ts';
import type { LogLag } from '../../../agent/metrics/sources.ts';

const NOW = new Date('2026-08-22T10:00:00Z');

/** What it did in two rounds. */
async function settle(lags: readonly LogLag[]): Promise<readonly unknown[]> {
  const calls: unknown[] = [];
  const stop = new AbortController();
  let rounds = 0;
  const clock: Clock = {
    now: () => NOW,
    sleep: () => {
      rounds += 1;
      if (rounds > 2) stop.abort();
      return Promise.resolve();
    },
  };
  const pulls = {
    follow: (names: readonly string[]) => calls.push(names),
    settle: (through: Date) => calls.push((NOW.getTime() - through.getTime()) / 1000),
  } as unknown as Ledger['pulls'];
  await new Settling({ ledger: { pulls }, lags: () => lags, clock }).run(stop.signal);
  return calls;
}

describe('Settling', () => {
  it('names the sources first, and settles what is a few seconds old where all is read', async () => {
    const lags = [
      { source: 'journald', seconds: 0.1 },
      { source: 'file', seconds: 0 },
    ] as const;
    expect(await settle(lags)).toEqual([['journald', 'file'], 10, 10]);
  });

  it.each([60, null])('waits longer for a source that is behind by %s', async (seconds) => {
    const lags = [
      { source: 'journald', seconds: 0 },
      { source: 'file', seconds },
    ] as const;
    expect(await settle(lags)).toEqual([['journald', 'file'], 600, 600]);
  });
});
