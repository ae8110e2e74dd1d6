import { expect, it } from 'vitest';
import { openLedger } from '../../agent/audit/ledger.ts';

it('remembers the digests of the last canaries, run by run', () => {
  const { canaries } = openLedger(':memory:');
  expect(canaries.recall()).toEqual([]);
  for (const run of ['1', '2', '3']) canaries.remember([`${run}a`, `${run}b`], 2);
  expect(canaries.recall().map((digests) => [...digests].sort())).toEqual([
    ['2a', '2b'],
    ['3a', '3b'],
  ]);
});
