// What containerd did otherwise than we would, per cause.
import { beforeEach, describe, expect, it } from 'vitest';
import { AuditTrail } from '../../agent/audit/audit-trail.ts';
import { openDatabase } from '../../agent/audit/database.ts';
import { DISAGREEMENT_CAUSES } from '../../agent/audit/disagreement.ts';
import type { HistoryRecord } from '../../agent/audit/history-record.ts';
import { pullOf, reverificationOf } from './history-records.ts';

let trail: AuditTrail;
beforeEach(() => {
  trail = new AuditTrail(openDatabase(':memory:'));
});

function after(...records: readonly HistoryRecord[]) {
  for (const record of records) trail.add(record);
  return trail.disagreements().map(({ kind, cause }) => `${kind} ${cause}`);
}

const DENIED = { decision: 'deny', reason: 'signature_missing' } as const;
const OTHER_HASH = '3'.repeat(64);
const LET_IN: readonly (readonly [cause: string, pulls: readonly HistoryRecord[]])[] = [
  ['break_glass', [pullOf({ reason: 'break_glass', mode: 'break_glass' })]],
  ['audit', [pullOf({ ...DENIED, mode: 'audit' })]],
  ['bypassed', [pullOf({ reason: 'not_judged', via: 'containerd' })]],
  ['bypassed', [pullOf({ ...DENIED, admitted: true })]],
  ['not_pulled', []],
  ['not_pulled', [pullOf(DENIED)]],
  ['policy_changed', [pullOf({ policyHash: OTHER_HASH })]],
  ['trust_changed', [pullOf({ trustHash: OTHER_HASH })]],
  ['trust_changed', [pullOf({ trustHash: null })]],
  ['evidence_changed', [pullOf()]],
  ['evidence_changed', [pullOf({ policyHash: '1'.repeat(16), trustHash: '2'.repeat(16) })]],
  [
    'evidence_changed',
    [pullOf(), pullOf({ ...DENIED, policyHash: OTHER_HASH, time: '2026-08-22T10:01:00Z' })],
  ],
];
const REFUSED: readonly (readonly [
  cause: string,
  refusal: HistoryRecord,
  verdict: HistoryRecord,
])[] = [
  ['no_judgement', pullOf({ ...DENIED, reason: 'timeout', via: 'containerd' }), pullOf()],
  ['inconclusive', pullOf({ ...DENIED, inconclusive: true }), pullOf()],
  ['policy_changed', pullOf({ ...DENIED, policyHash: OTHER_HASH }), pullOf()],
  ['trust_changed', pullOf({ ...DENIED, trustHash: OTHER_HASH }), reverificationOf()],
  ['evidence_changed', pullOf(DENIED), pullOf()],
  ['overruled', pullOf({ admitted: false }), reverificationOf()],
];

describe('containerd let in what we would deny', () => {
  it.each(LET_IN)('%s', (cause, pulls) => {
    expect(after(...pulls, reverificationOf(DENIED))).toEqual([`let_in ${cause}`]);
    const [line] = trail.after(0, { kind: 'disagreement' }, 10);
    expect(line).toMatchObject({ ...DENIED, cause });
  });

  it('is told with what containerd did', () => {
    after(pullOf({ reason: 'break_glass', mode: 'break_glass' }), reverificationOf(DENIED));
    expect(trail.after(0, { kind: 'disagreement' }, 10)).toMatchObject([
      { before: { decision: 'allow', reason: 'break_glass', time: '2026-08-22T10:00:00.000Z' } },
    ]);
  });

  it('is none while we cannot tell, or would allow', () => {
    expect(after(pullOf(), reverificationOf({ ...DENIED, inconclusive: true }))).toEqual([]);
    expect(after(reverificationOf())).toEqual([]);
  });

  it('is none where containerd refuses what it let in once', () => {
    expect(after(pullOf(), pullOf(DENIED))).toEqual([]);
  });
});

describe('containerd refused what we would allow', () => {
  it.each(REFUSED)('%s', (cause, refusal, verdict) => {
    expect(after(refusal, verdict)).toEqual([`refused ${cause}`]);
    expect(trail.after(0, { kind: 'disagreement' }, 10)).toMatchObject([
      { decision: 'allow', cause, before: { decision: 'deny' } },
    ]);
  });

  it('is told of the very pull that our verifier allowed', () => {
    expect(after(pullOf({ admitted: false }))).toEqual(['refused overruled']);
  });

  it('is told when containerd tells only later that it refused the pull', () => {
    expect(after(pullOf())).toEqual([]);
    expect(after(pullOf({ admitted: false }))).toEqual(['refused overruled']);
  });

  it('is none once it was let in', () => {
    expect(after(pullOf({ ...DENIED, inconclusive: true }), pullOf(), pullOf())).toHaveLength(1);
    expect(trail.disagreements()).toMatchObject([{ count: 1 }]);
  });
});

describe('a disagreement', () => {
  it('has a cause of the closed set, and each of them comes about', () => {
    const causes = [...LET_IN, ...REFUSED].map(([cause]) => cause);
    expect(new Set(causes)).toEqual(new Set(Object.keys(DISAGREEMENT_CAUSES)));
  });

  it('counts once, however often it is found, until it is over or comes about otherwise', () => {
    after(pullOf({ ...DENIED, mode: 'audit' }), reverificationOf(DENIED), reverificationOf(DENIED));
    expect(trail.disagreements()).toEqual([{ kind: 'let_in', cause: 'audit', count: 1 }]);
    after(reverificationOf(), reverificationOf(DENIED));
    expect(trail.disagreements()).toEqual([{ kind: 'let_in', cause: 'audit', count: 2 }]);
    after(pullOf({ reason: 'break_glass', mode: 'break_glass' }), reverificationOf(DENIED));
    expect(trail.disagreements()).toContainEqual({
      kind: 'let_in',
      cause: 'break_glass',
      count: 1,
    });
  });

  it('goes by when things were, not by when they were read', () => {
    const late = pullOf({
      time: '2026-08-01T00:00:00Z',
      reason: 'break_glass',
      mode: 'break_glass',
    });
    expect(after(pullOf({ ...DENIED, mode: 'audit' }), late)).toEqual(['let_in audit']);
    expect(after(reverificationOf(DENIED))).toEqual(['let_in audit']);
  });
});
