// Asks the real `notation verify` about a few dozen cases; hack/differential asks about as many as one wants.
import { describe, expect, it } from 'vitest';
import { DIFFERENCES } from './differences.ts';
import { KINDS } from './kinds.ts';
import { findNotation } from './notation.ts';
import { drawCases } from './random.ts';
import { explainFailures, unseenDifferences } from './report.ts';
import { runCases } from './run.ts';

/** Each kind that shows a difference has its turn, and as many others. */
const COUNT = 120;
const SEED = 20260101;
const TIMEOUT_MS = 120_000;

const notation = findNotation();
const why = 'missing' in notation ? notation.missing : '';
const title = `nodeseal and notation${why === '' ? '' : ` (skipped: ${why})`}`;

describe.skipIf(why !== '' && process.env.CI !== 'true')(title, () => {
  it(
    'decide the same but for the listed differences, and differ in every one of those',
    async () => {
      if ('missing' in notation) throw new Error(notation.missing);
      const always = new Set(DIFFERENCES.flatMap(({ kinds }) => kinds));
      const comparisons = await runCases(drawCases(KINDS, COUNT, SEED, always), notation.command);
      expect(explainFailures(comparisons)).toBe('');
      expect(unseenDifferences(comparisons)).toEqual([]);
      expect(comparisons).toHaveLength(COUNT);
    },
    TIMEOUT_MS,
  );
});
