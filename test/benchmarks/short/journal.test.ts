import { describe, it } from 'vitest';
import { elapsedMsOf, readInTurns } from '../../../hack/benchmarks/journal.ts';
import { ratios } from '../../../hack/benchmarks/measurement.ts';
import { expectAsRecorded } from './recorded.ts';

const ENTRIES = 60_000;
const ROUNDS = 3;

describe('reading the journal', () => {
  it('takes as long as recorded of journalctl', async () => {
    const { ours, theirsMs } = await readInTurns(ENTRIES, ROUNDS);
    expectAsRecorded('journal', 'ratio of time', ratios(elapsedMsOf(ours), theirsMs));
  });
});
