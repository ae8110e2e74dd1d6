// Pulls in the ledger: sources that come and go, clocks that jump, silence, and what is told of each pull.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalEffect } from '../../agent/audit/journal-effects.ts';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import type { PullLine } from '../../agent/audit/pull-line.ts';
import { MAX_PULLS } from '../../agent/audit/pull-table.ts';
import { OWN_VERIFIER } from '../../agent/audit/pull-join.ts';
import { verdictOf } from '../support/verdict.ts';
import { digestOf, pulledRecords, REPOSITORY } from './images.ts';

const START_US = 1_766_000_000_000_000;
const NAME = `${REPOSITORY}:v1`;
const IMAGE = { repository: REPOSITORY, digest: digestOf(1) };

let ledger: Ledger;
beforeEach(() => {
  ledger = openLedger(':memory:');
});
afterEach(() => {
  ledger.close();
});

function secondsUs(seconds: number): number {
  return START_US + seconds * 1_000_000;
}

function at(seconds: number): Date {
  return new Date(secondsUs(seconds) / 1000);
}

function event(seconds: number, line: PullLine): JournalEffect {
  const identity = `${seconds} ${JSON.stringify(line)}`;
  return {
    kind: 'event',
    event: 'pull_started',
    atUs: secondsUs(seconds),
    detail: '',
    identity,
    line,
  };
}

function verdict(seconds: number, decision: 'allow' | 'deny' = 'allow'): JournalEffect {
  const reason = decision === 'allow' ? 'verified' : 'signature_missing';
  const time = at(seconds).toISOString();
  const given = { ...verdictOf({ ...IMAGE, decision, reason, time }), name: NAME, via: 'agent' };
  return { kind: 'pull_verdict', verdict: { ...given, via: 'agent' }, atUs: secondsUs(seconds) };
}

const started: PullLine = { kind: 'started', requested: NAME };
const finished: PullLine = { kind: 'finished', requested: NAME, ...IMAGE };
const failed: PullLine = { kind: 'failed', requested: NAME, isUnresolved: false };
const blocked: PullLine = {
  ...{ kind: 'judgement', judgement: 'blocked', name: NAME, ...IMAGE, reason: 'no' },
  ...{ verifier: OWN_VERIFIER, cause: null, runtimeMs: null },
};

function take(source: string, ...effects: readonly JournalEffect[]): readonly JournalEffect[] {
  const last = effects.at(-1);
  const realtimeUs = last?.atUs ?? START_US;
  return ledger.recordJournal(source, { cursor: 'c', realtimeUs }, effects);
}

function totals(): Record<string, number> {
  return Object.fromEntries(
    ledger.pulls
      .totals()
      .map(({ judgement, cause, count }) => [`${judgement} ${cause}`.trim(), count]),
  );
}

describe('one source', () => {
  it('counts a verdict at once', () => {
    take('journald', verdict(1));
    expect(totals()).toEqual({ allow: 1 });
  });

  it('counts what has no verdict once none can come, and not before', () => {
    take('journald', event(1, blocked));
    ledger.pulls.settle(at(5));
    expect(totals()).toEqual({});
    ledger.pulls.settle(at(7));
    expect(totals()).toEqual({ 'blocked verdict_lost': 1 });
    ledger.pulls.settle(at(70_000));
    expect(totals()).toEqual({ 'blocked verdict_lost': 1 });
  });

  it('is settled by its own next line as by silence', () => {
    take('journald', event(1, blocked), event(7, { kind: 'restarted' }));
    expect(totals()).toEqual({ 'blocked verdict_lost': 1 });
  });

  it('takes a verdict that comes after all as of the pull that was counted without it', () => {
    take('journald', event(1, blocked));
    ledger.pulls.settle(at(20));
    take('journald', verdict(2, 'deny'));
    expect(totals()).toEqual({ 'blocked verdict_lost': 1 });
    expect(ledger.totals()).toMatchObject([{ decision: 'deny', count: 1 }]);
  });

  it('goes on with a clock that was set back by years', () => {
    take('journald', event(1e9, started), event(1e9 + 1, blocked));
    take('journald', event(1, started), verdict(2), event(3, finished));
    take('journald', event(10, blocked), event(20, { kind: 'restarted' }));
    expect(totals()).toEqual({ allow: 1, 'blocked verdict_lost': 2 });
  });

  it('forgets nothing that is open when another source takes its place', () => {
    ledger.pulls.follow(['journald']);
    take('journald', event(1, started));
    ledger.pulls.follow(['upload']);
    take('upload', verdict(2), event(3, finished));
    ledger.pulls.settle(at(100_000));
    expect(totals()).toEqual({ allow: 1 });
  });
});

describe('several sources', () => {
  beforeEach(() => {
    ledger.pulls.follow(['journald', 'file']);
  });

  it('hold their lines until all have passed them', () => {
    take('file', event(1, started), event(3, finished));
    expect(totals()).toEqual({});
    take('journald', verdict(2), event(4, { kind: 'restarted' }));
    ledger.pulls.settle(at(30));
    expect(totals()).toEqual({ allow: 1 });
  });

  it('tell of a line once', () => {
    const line = event(1, started);
    expect(take('file', line)).toHaveLength(1);
    expect(take('journald', line)).toHaveLength(0);
    expect(ledger.events()).toMatchObject([{ count: 1 }]);
  });

  it('do not wait for one that is silent', () => {
    take('file', event(1, started), event(3, finished));
    ledger.pulls.settle(at(100));
    expect(totals()).toEqual({ unjudged: 1 });
  });

  it('go on when one of them is taken away', () => {
    take('journald', event(1, blocked));
    ledger.pulls.follow(['journald']);
    take('journald', event(7, { kind: 'restarted' }));
    expect(totals()).toEqual({ 'blocked verdict_lost': 1 });
  });

  it('count nothing again when another is added that has the same lines from before', () => {
    const lines = [event(1, started), event(2, blocked), event(3, failed)];
    take('journald', ...lines);
    take('file', ...lines);
    ledger.pulls.settle(at(100));
    ledger.pulls.follow(['journald', 'file', 'upload']);
    expect(take('upload', ...lines)).toEqual([]);
    expect(take('upload', event(200, started))).toHaveLength(1);
    ledger.pulls.settle(at(100_000));
    expect(totals()).toEqual({ 'blocked verdict_lost': 1, not_reached: 1 });
  });

  it('have a clock of their own each', () => {
    take('journald', event(1e9, started));
    take('journald', event(1, started), verdict(2));
    take('file', event(3, finished));
    ledger.pulls.settle(at(100));
    expect(totals()).toMatchObject({ allow: 1 });
  });
});

describe('last', () => {
  it('is the last pull of the image, and null for an image that was never pulled', () => {
    expect(ledger.pulls.last(REPOSITORY, digestOf(1))).toBeNull();
    take('journald', verdict(1), verdict(2, 'deny'));
    expect(ledger.pulls.last(REPOSITORY, digestOf(1))).toEqual({
      ...{ judgement: 'deny', mode: 'enforce', finished: false, at: at(2) },
    });
    expect(ledger.pulls.last('other.example/app', digestOf(1))).toBeNull();
  });

  it('is finished once containerd says so', () => {
    take('journald', event(1, started), verdict(2), event(3, finished));
    expect(ledger.pulls.last(REPOSITORY, digestOf(1))).toMatchObject({ finished: true });
  });

  it('stays known while the image is here, and its total for ever', () => {
    ledger.reconcileImages(pulledRecords(1), at(0));
    take('journald', verdict(1));
    const many = Array.from({ length: MAX_PULLS + 10 }, (_, n) => {
      const given = verdictOf({ repository: REPOSITORY, digest: digestOf(n + 100) });
      return { kind: 'pull_verdict', verdict: given, atUs: secondsUs(2) } as const;
    });
    take('journald', ...many);
    ledger.pulls.settle(at(100_000));
    ledger.reconcileImages(pulledRecords(1), at(100_000));
    expect(totals()).toEqual({ allow: MAX_PULLS + 11 });
    expect(ledger.pulls.last(REPOSITORY, digestOf(1))).not.toBeNull();
    expect(ledger.pulls.last(REPOSITORY, digestOf(100))).toBeNull();
    expect(ledger.pulls.last(REPOSITORY, digestOf(MAX_PULLS + 100))).not.toBeNull();
  });
});

describe('the audit trail', () => {
  function trail(): readonly unknown[] {
    return ledger.history
      .after(0, {}, 100)
      .map(({ kind, decision, reason, via, cause }) => [kind, decision, reason, via, cause]);
  }

  it('has the line of a verdict at once, and once', () => {
    take('journald', event(1, started), verdict(2), event(3, finished));
    ledger.pulls.settle(at(100_000));
    expect(trail()).toEqual([['pull', 'allow', 'verified', 'agent', null]]);
  });

  it('has a line of what came in without a verdict', () => {
    take('journald', event(1, started), event(3, finished));
    ledger.pulls.settle(at(100_000));
    expect(trail()).toEqual([['pull', 'allow', 'unjudged', 'containerd', null]]);
  });

  it('tells whoever looks after enforcement of what came in without a verdict, and of nothing else', () => {
    const told: Date[] = [];
    ledger.pulls.onUnjudged = (when) => told.push(when);
    take('journald', event(1, started), verdict(2), event(3, finished));
    take('journald', event(10, started), event(11, blocked), event(12, failed));
    ledger.pulls.settle(at(5000));
    expect(told).toEqual([]);
    take('journald', event(6000, started), event(6003, finished));
    ledger.pulls.settle(at(100_000));
    expect(told).toEqual([at(6003)]);
  });

  it('has a line of what containerd refused without a verdict', () => {
    take('journald', event(1, started), event(2, blocked), event(3, failed));
    ledger.pulls.settle(at(100_000));
    expect(trail()).toEqual([['pull', 'deny', 'blocked', 'containerd', null]]);
  });

  it('has none of a pull that nobody judged', () => {
    take('journald', event(1, started), event(3, { ...failed, isUnresolved: true }));
    ledger.pulls.settle(at(100_000));
    expect(trail()).toEqual([]);
  });

  it('tells when containerd refused what we allowed', () => {
    take('journald', event(1, started), verdict(2), event(3, { ...blocked, verifier: 'other' }));
    expect(trail()).toEqual([
      ['pull', 'allow', 'verified', 'agent', null],
      ['disagreement', 'allow', 'verified', 'agent', 'overruled'],
    ]);
  });

  it('tells when containerd let in what we denied', () => {
    take('journald', event(1, started), verdict(2, 'deny'), event(3, finished));
    expect(trail()).toEqual([
      ['pull', 'deny', 'signature_missing', 'agent', null],
      ['disagreement', 'deny', 'signature_missing', 'agent', 'bypassed'],
    ]);
  });
});
