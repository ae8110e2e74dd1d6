// Which images are due to be re-verified, and what is told of them.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import { verdictOf } from '../support/verdict.ts';
import { containerOf, digestOf, pulledRecords, recordOf, REPOSITORY } from './images.ts';

const NOW = new Date('2026-08-22T10:00:00Z');
const LATER = new Date('2026-08-22T11:00:00Z');
const GENERATION = { policyHash: 'p1', trustHash: 't1' };
const KEY = { repository: REPOSITORY, digest: digestOf(1) };

let ledger: Ledger;
beforeEach(() => {
  ledger = openLedger(':memory:');
});
afterEach(() => {
  ledger.close();
});

describe('what is due', () => {
  beforeEach(() => void ledger.reconcileImages(pulledRecords(1), NOW));

  function reverified(): void {
    const schedule = { ...GENERATION, due: LATER, attempts: 0 };
    ledger.recordReverification(KEY, verdictOf({}), schedule);
  }

  it('has an image never looked at, once, under its repository and digest', () => {
    expect(ledger.reverifications.due(GENERATION, NOW, 10)).toEqual([
      {
        ...KEY,
        name: `${REPOSITORY}@${digestOf(1)}`,
        descriptor: recordOf('x', 1).target,
        attempts: 0,
        isNew: true,
        asksSince: null,
        firstSeen: NOW,
        isRunning: false,
      },
    ]);
    expect(ledger.reverifications.next()).toBeNull();
  });

  it('has it no more once it was looked at, until its time comes', () => {
    reverified();
    expect(ledger.reverifications.due(GENERATION, NOW, 10)).toEqual([]);
    expect(ledger.reverifications.next()).toEqual(LATER);
    expect(ledger.reverifications.due(GENERATION, LATER, 10)).toHaveLength(1);
    expect(ledger.totals()).toMatchObject([{ source: 'reverification', count: 1 }]);
  });

  it.each([
    ['policy', { ...GENERATION, policyHash: 'p2' }],
    ['trust', { ...GENERATION, trustHash: 't2' }],
    ['absent policy', { ...GENERATION, policyHash: null }],
  ])('has it at once under another %s', (_, generation) => {
    reverified();
    expect(ledger.reverifications.due(generation, NOW, 10)).toHaveLength(1);
  });

  it('has nothing that is gone', () => {
    reverified();
    ledger.reconcileImages([], NOW);
    expect(ledger.reverifications.due(GENERATION, LATER, 10)).toEqual([]);
    expect(ledger.reverifications.next()).toBeNull();
  });

  it('has an image without repository under a name it has', () => {
    ledger.reconcileImages([recordOf('import-2026-08-22', 5)], NOW);
    expect(ledger.reverifications.due(GENERATION, NOW, 10)).toMatchObject([
      { name: 'import-2026-08-22' },
    ]);
  });

  it('has at most as many as asked for, those never looked at first', () => {
    reverified();
    ledger.reconcileImages([...pulledRecords(1), ...pulledRecords(2, 'v2')], NOW);
    const due = ledger.reverifications.due({ ...GENERATION, policyHash: 'p2' }, NOW, 1);
    expect(due.map(({ digest }) => digest)).toEqual([digestOf(2)]);
  });
});

describe('what is due by its time alone', () => {
  beforeEach(() => void ledger.reconcileImages(pulledRecords(1), NOW));
  const dueByTime = (now: Date, generation = GENERATION) =>
    ledger.reverifications.dueByTime(generation, now, 10);

  it('has an image once its time has come, as all that are due have it', () => {
    ledger.reverifications.postpone([
      [KEY, { ...GENERATION, due: LATER, attempts: 2, asks: true }],
    ]);
    expect(dueByTime(NOW)).toEqual([]);
    expect(dueByTime(LATER)).toMatchObject([{ ...KEY, attempts: 2, asksSince: LATER }]);
    expect(dueByTime(LATER)).toEqual(ledger.reverifications.due(GENERATION, LATER, 10));
  });

  it('has the most overdue first, and no more than asked for', () => {
    ledger.reconcileImages([...pulledRecords(1), ...pulledRecords(2, 'v2')], NOW);
    const other = { ...KEY, digest: digestOf(2) };
    ledger.reverifications.postpone([
      [KEY, { ...GENERATION, due: LATER, attempts: 0 }],
      [other, { ...GENERATION, due: NOW, attempts: 0 }],
    ]);
    expect(dueByTime(LATER).map(({ digest }) => digest)).toEqual([other.digest, KEY.digest]);
    expect(ledger.reverifications.dueByTime(GENERATION, LATER, 1)).toMatchObject([other]);
  });

  it('has none that nobody looked at, nor one that is gone', () => {
    expect(dueByTime(LATER)).toEqual([]);
    ledger.reverifications.postpone([[KEY, { ...GENERATION, due: NOW, attempts: 0 }]]);
    expect(dueByTime(LATER)).toHaveLength(1);
    ledger.reconcileImages([], NOW);
    expect(dueByTime(LATER)).toEqual([]);
  });
});

describe('the turn of an image at its registry', () => {
  beforeEach(() => void ledger.reconcileImages(pulledRecords(1), NOW));

  const turn = { ...GENERATION, due: LATER, attempts: 3, asks: true };

  it('comes when it is due', () => {
    ledger.reverifications.postpone([[KEY, turn]]);
    expect(ledger.reverifications.due(GENERATION, NOW, 10)).toEqual([]);
    expect(ledger.reverifications.due(GENERATION, LATER, 10)).toMatchObject([
      { isNew: false, asksSince: LATER, attempts: 3 },
    ]);
    expect(ledger.totals()).toEqual([]);
  });

  it('is lost under another policy or trust', () => {
    ledger.reverifications.postpone([[KEY, turn]]);
    for (const other of [{ policyHash: 'p2' }, { trustHash: 't2' }]) {
      const generation = { ...GENERATION, ...other };
      expect(ledger.reverifications.due(generation, LATER, 10)).toMatchObject([
        { isNew: false, asksSince: null },
      ]);
    }
  });

  it('is not taken without being asked for', () => {
    ledger.reverifications.postpone([[KEY, { ...GENERATION, due: LATER, attempts: 3 }]]);
    expect(ledger.reverifications.due(GENERATION, LATER, 10)).toMatchObject([{ asksSince: null }]);
  });
});

describe('what runs', () => {
  it('is known by its content, and counted', () => {
    ledger.reconcileImages([...pulledRecords(1), ...pulledRecords(2, 'v2')], NOW);
    expect(ledger.reverifications.share()).toEqual({ images: 2, running: 0 });
    ledger.containers.reconcile([containerOf('c1', { images: [`${REPOSITORY}:v2`] })], NOW);
    expect(ledger.reverifications.share()).toEqual({ images: 2, running: 1 });
    const due = ledger.reverifications.due(GENERATION, NOW, 10);
    expect(due.map(({ digest, isRunning }) => [digest, isRunning])).toEqual([
      [digestOf(1), false],
      [digestOf(2), true],
    ]);
  });

  it('is nothing on an empty node', () => {
    expect(ledger.reverifications.share()).toEqual({ images: 0, running: 0 });
  });
});
