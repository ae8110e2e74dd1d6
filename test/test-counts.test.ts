import { describe, expect, it } from 'vitest';
import { countTests } from '../hack/test-counts.ts';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((test) => ({ status: test })),
});

describe('the counts of a run', () => {
  it('are of tests, over all files', () => {
    const testResults = [
      file('passed', 'passed', 'passed'),
      file('failed', 'failed', 'passed', 'failed'),
      file('passed', 'skipped', 'pending', 'todo'),
    ];
    expect(countTests({ testResults })).toEqual({ passed: 3, failed: 2, skipped: 3 });
  });

  it('have one failure for a file that failed without a failed test', () => {
    const testResults = [file('failed'), file('failed', 'passed', 'skipped')];
    expect(countTests({ testResults })).toEqual({ passed: 1, failed: 2, skipped: 1 });
  });

  it('are nothing where nothing ran', () => {
    expect(countTests({ testResults: [] })).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});
