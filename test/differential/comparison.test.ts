import { describe, expect, it } from 'vitest';
import type { ValidationType } from '../../agent/notation/verification/verdict.ts';
import { verdictOf } from '../support/verdict.ts';
import { compare, type Comparison } from './comparison.ts';
import type { Difference } from './differences.ts';
import { type Case, kind, type Setup, type Step } from './kind.ts';
import { explainFailures, failuresOf, reportTable, unseenDifferences } from './report.ts';

const KIND = 'an odd thing';
const LISTED: Difference = {
  id: 'odd',
  what: 'An odd thing',
  nodeseal: 'deny',
  side: 'safer',
  source: 'it is odd',
  kinds: [KIND],
};

interface Changes {
  readonly listed?: boolean;
  readonly fault?: Step;
  /** What notation names. */
  readonly failed?: ValidationType | 'none';
}

function compared(
  theirs: 'allow' | 'deny',
  ours: 'allow' | 'deny',
  { listed = false, fault = 'integrity', failed = 'integrity' }: Changes = {},
): Comparison {
  const one = kind({ name: KIND, parameters: {}, build: () => setup }).cases[0] as Case;
  const setup: Setup = {
    policy: null,
    stores: {},
    signatures: [],
    plugins: [],
    reference: '',
    fault,
  };
  const result = { type: 'integrity', action: ours === 'deny' ? 'enforce' : 'log' } as const;
  const nodeseal = verdictOf({
    decision: ours,
    reason: ours === 'deny' ? 'envelope_invalid' : 'failure_logged',
    results: [{ ...result, outcome: 'failed', code: 'envelope_invalid', message: 'odd' }],
  });
  const notation = {
    decision: theirs,
    failed: failed === 'none' ? undefined : failed,
    output: 'what it printed',
  };
  return compare(one, { setup, notation, nodeseal }, listed ? [LISTED] : []);
}

describe('a comparison', () => {
  it('is agreement when both decide the same', () => {
    expect(compared('deny', 'deny').outcome).toBe('agree');
    expect(compared('allow', 'allow').outcome).toBe('agree');
    expect(failuresOf([compared('deny', 'deny')])).toEqual([]);
  });

  it('is a listed difference only in the direction that is listed', () => {
    expect(compared('allow', 'deny', { listed: true }).outcome).toBe('differ');
    expect(compared('deny', 'allow', { listed: true }).outcome).toBe('disagree');
  });

  it('fails when they disagree and no list says so', () => {
    const failure = compared('allow', 'deny');
    expect(failure.outcome).toBe('disagree');
    expect(explainFailures([failure])).toContain('what it printed');
  });

  it('fails when a listed difference is none any more', () => {
    const settled = compared('deny', 'deny', { listed: true });
    expect(settled.outcome).toBe('settled');
    expect(failuresOf([settled])).toHaveLength(1);
  });

  it('fails when they decide the same for another reason', () => {
    expect(compared('deny', 'deny', { failed: 'expiry' }).outcome).toBe('other reason');
    expect(compared('allow', 'allow', { failed: 'none' }).outcome).toBe('other reason');
    // A deny for which notation names no validation is told by its decision alone.
    expect(compared('deny', 'deny', { failed: 'none' }).outcome).toBe('agree');
  });

  it('fails when the fault was found elsewhere, though both deny', () => {
    expect(compared('deny', 'deny', { fault: 'expiry' }).outcome).toBe('stray');
    expect(compared('deny', 'deny', { fault: 'nothing' }).outcome).toBe('stray');
  });
});

describe('a report', () => {
  it('counts the outcomes of each kind, and of all', () => {
    const table = reportTable([compared('deny', 'deny'), compared('allow', 'deny')]);
    expect(table.split('\n')[0]).toMatch(
      /^kind +agree +differ +disagree +settled +other reason +stray$/,
    );
    expect(table).toMatch(/^an odd thing +1 +1$/m);
    expect(table).toMatch(/^1 kinds, 2 cases +1 +1$/m);
  });

  it('names the differences that no case was about', () => {
    expect(unseenDifferences([compared('deny', 'deny')], [LISTED])).toEqual([]);
    expect(unseenDifferences([], [LISTED])).toEqual([LISTED]);
  });
});
