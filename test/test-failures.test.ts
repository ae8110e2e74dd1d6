import { describe, expect, it } from 'vitest';
import { failureLines } from '../hack/test-failures.ts';

const good = { status: 'passed', fullName: 'a pull is let in', failureMessages: [] as string[] };
const bad = { ...good, status: 'failed', failureMessages: ['Error: expected 1\n    at a.ts:3'] };

function result(tests: readonly (typeof good)[], status = 'passed', message = '') {
  return {
    testResults: [{ name: '/root/test/a.test.ts', status, message, assertionResults: tests }],
  };
}

describe('the failures of a run', () => {
  it('are no line when all passed', () => {
    expect(failureLines(result([good]), '/root')).toEqual([]);
  });

  it('are a line for each test, with its file and what it said first', () => {
    expect(failureLines(result([good, bad], 'failed'), '/root')).toEqual([
      'test/a.test.ts: a pull is let in: Error: expected 1',
    ]);
  });

  it('name a file that failed before its tests', () => {
    const lines = failureLines(result([], 'failed', 'Cannot find module\n at'), '/root');
    expect(lines).toEqual(['test/a.test.ts: Cannot find module']);
  });

  it('are cut where a message is long', () => {
    const long = { ...bad, failureMessages: ['x'.repeat(10_000)] };
    expect(failureLines(result([long], 'failed'), '/root')[0]?.length).toBeLessThan(400);
  });
});
