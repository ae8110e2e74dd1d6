// The audit trail: lines that can be read on from, flips, and what containerd did otherwise than we would.
import type { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditTrail } from '../../agent/audit/audit-trail.ts';
import { openDatabase } from '../../agent/audit/database.ts';
import { MAX_HANDLINGS } from '../../agent/audit/disagreement-table.ts';
import { MAX_CONCLUSIONS } from '../../agent/audit/flip-table.ts';
import type { HistoryFilter } from '../../agent/audit/history.ts';
import type { HistoryRecord } from '../../agent/audit/history-record.ts';
import { digestOf } from './images.ts';
import { pullOf, reverificationOf } from './history-records.ts';

const ALL = 1000;

let database: DatabaseSync;
let trail: AuditTrail;
beforeEach(() => {
  database = openDatabase(':memory:');
  trail = new AuditTrail(database);
});
afterEach(() => {
  database.close();
});

function add(...records: readonly HistoryRecord[]): void {
  for (const record of records) trail.add(record);
}

function kinds(filter: HistoryFilter = {}): string[] {
  return trail.after(0, filter, ALL).map(({ kind }) => kind);
}

const DENIED = { decision: 'deny', reason: 'signature_missing' } as const;

describe('the latest lines of a kind', () => {
  it('are the last ones, the last first, among as many of any kind as are looked at', () => {
    add(pullOf({ name: 'a' }), pullOf({ name: 'b' }), reverificationOf(), reverificationOf());
    const names = (limit: number, among: number) =>
      trail.latest('pull', limit, among).map(({ name }) => name);
    expect(names(9, 9)).toEqual(['b', 'a']);
    expect(names(1, 9)).toEqual(['b']);
    expect(names(9, 3)).toEqual(['b']);
    expect(names(9, 2)).toEqual([]);
  });
});

describe('a line', () => {
  it('is read as it was written', () => {
    const before = {
      decision: 'allow',
      reason: 'verified',
      time: '2026-08-22T09:00:00.000Z',
    } as const;
    const record = { ...pullOf(), cause: 'audit', before, admitted: true };
    trail.add(record);
    expect(trail.after(0, {}, ALL)).toEqual([{ id: 1, ...record }]);
  });

  it('has a time as the journal tells it, and null for what is not known', () => {
    add(pullOf({ time: '2026-08-22T12:00:00+02:00', digest: null, signer: null, policy: null }));
    expect(trail.after(0, {}, ALL)).toMatchObject([
      { time: '2026-08-22T10:00:00.000Z', digest: null, signer: null, policy: null, before: null },
    ]);
  });

  it('has no text that is longer than one can read', () => {
    add(pullOf({ message: '😀'.repeat(600), name: 'n'.repeat(2000) }));
    const [line] = trail.after(0, {}, ALL);
    expect(line?.message).toHaveLength(1024);
    expect(line?.message.isWellFormed()).toBe(true);
    expect(line?.name).toBe(`${'n'.repeat(1023)}…`);
  });

  it('tells of its coming', () => {
    let told = 0;
    trail.onAdd = () => (told += 1);
    add(pullOf());
    expect(told).toBe(1);
  });
});

describe('reading', () => {
  beforeEach(() => {
    add(
      pullOf({ time: '2026-08-22T10:00:00Z' }),
      pullOf({
        time: '2026-08-22T11:00:00Z',
        digest: digestOf(2),
        name: 'other.example/b:1',
        ...DENIED,
      }),
      reverificationOf({ time: '2026-08-22T12:00:00Z', repository: 'third.example/c', name: 'c' }),
    );
  });

  it.each<[string, HistoryFilter, number[]]>([
    ['all', {}, [1, 2, 3]],
    ['since a time, that time included', { since: new Date('2026-08-22T11:00:00Z') }, [2, 3]],
    ['until a time, that time excluded', { until: new Date('2026-08-22T11:00:00Z') }, [1]],
    ['a decision', { decision: 'deny' }, [2]],
    ['a kind', { kind: 'reverification' }, [3]],
    ['a name', { image: 'other.example' }, [2]],
    ['a digest', { image: digestOf(2) }, [2]],
    ['a repository with its digest', { image: `third.example/c@${digestOf(1)}` }, [3]],
    ['what no image is called', { image: '%' }, []],
    ['all of it together', { decision: 'allow', kind: 'pull', image: 'app' }, [1]],
  ])('finds %s', (_, filter, ids) => {
    expect(trail.after(0, filter, ALL).map(({ id }) => id)).toEqual(ids);
  });

  it('goes on after a line, so many at a time', () => {
    expect(trail.after(0, {}, 2).map(({ id }) => id)).toEqual([1, 2]);
    expect(trail.after(2, {}, 2).map(({ id }) => id)).toEqual([3]);
    expect(trail.after(3, {}, 2)).toEqual([]);
  });

  it('finds where the last lines begin', () => {
    expect(trail.beforeLast(2, {})).toBe(1);
    expect(trail.beforeLast(9, {})).toBe(0);
    expect(trail.beforeLast(2, { kind: 'pull' })).toBe(0);
    expect(trail.beforeLast(1, { kind: 'flip' })).toBe(3);
  });

  it('never uses an id again, also when all lines are gone', () => {
    database.exec('DELETE FROM history');
    expect(trail.lastId()).toBe(3);
    add(pullOf());
    expect(trail.after(3, {}, ALL)).toMatchObject([{ id: 4 }]);
  });

  it('begins with nothing', () => {
    const empty = new AuditTrail(openDatabase(':memory:'));
    expect([empty.lastId(), empty.writtenTo(), empty.beforeLast(5, {})]).toEqual([0, 0, 0]);
  });

  it('remembers what is in the audit log', () => {
    trail.recordWritten(2);
    trail.recordWritten(3);
    expect(trail.writtenTo()).toBe(3);
  });
});

describe('a flip', () => {
  it('is told with before and after, whoever gave the verdicts', () => {
    add(
      pullOf({ time: '2026-08-22T10:00:00Z' }),
      reverificationOf({
        time: '2026-08-22T11:00:00Z',
        decision: 'deny',
        reason: 'certificate_revoked',
      }),
    );
    expect(trail.after(0, { kind: 'flip' }, ALL)).toMatchObject([
      {
        decision: 'deny',
        reason: 'certificate_revoked',
        before: { decision: 'allow', reason: 'verified', time: '2026-08-22T10:00:00.000Z' },
      },
    ]);
    expect(trail.flips()).toEqual([{ from: 'allow', to: 'deny', count: 1 }]);
  });

  it('is counted each time and in each direction', () => {
    add(pullOf(), reverificationOf(DENIED), pullOf(), reverificationOf(DENIED));
    expect(trail.flips()).toEqual([
      { from: 'allow', to: 'deny', count: 2 },
      { from: 'deny', to: 'allow', count: 1 },
    ]);
  });

  it.each<[string, HistoryRecord]>([
    ['the same decision for another reason', pullOf({ reason: 'skipped_by_policy' })],
    ['what could not tell', reverificationOf({ ...DENIED, inconclusive: true })],
    ['another image', reverificationOf({ ...DENIED, digest: digestOf(2) })],
    ['the same content in another repository', reverificationOf({ ...DENIED, repository: 'b' })],
    ['an image without digest', pullOf({ ...DENIED, digest: null })],
    ['what is older', pullOf({ ...DENIED, time: '2020-01-01T00:00:00Z' })],
    ['what containerd refused by itself', pullOf({ ...DENIED, via: 'containerd' })],
    ['what nobody judged', pullOf({ ...DENIED, mode: 'break_glass' })],
  ])('is not %s', (_, record) => {
    add(pullOf(), record);
    expect(trail.flips()).toEqual([]);
    expect(kinds({ kind: 'flip' })).toEqual([]);
  });

  it('is a turn from the last verdict that could tell', () => {
    add(pullOf(), reverificationOf({ ...DENIED, inconclusive: true }), reverificationOf(DENIED));
    expect(trail.flips()).toMatchObject([{ from: 'allow', to: 'deny', count: 1 }]);
  });
});

describe('pruning', () => {
  it('drops what is known of images that went longest ago, never of those that are here', () => {
    add(pullOf({ digest: digestOf(1), ...DENIED, mode: 'audit' }), pullOf({ digest: digestOf(2) }));
    database.exec(`INSERT INTO images VALUES ('${pullOf().repository}', '${digestOf(1)}', '', 0, 0, 0);
      INSERT INTO image_names (name, repository, digest)
        VALUES ('n', '${pullOf().repository}', '${digestOf(1)}')`);
    const count = (table: string) =>
      database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'];
    trail.prune();
    expect([count('conclusions'), count('handlings')]).toEqual([2, 2]);
    const fill = (from: number, to: number) => {
      database.exec('BEGIN');
      for (let n = from; n < to; n += 1) add(pullOf({ digest: digestOf(n) }));
      database.exec('COMMIT');
    };
    fill(3, Math.max(MAX_CONCLUSIONS, MAX_HANDLINGS) + 4);
    trail.prune();
    expect(count('conclusions')).toBe(MAX_CONCLUSIONS + 1);
    expect(count('handlings')).toBe(MAX_HANDLINGS + 1);
    add(reverificationOf({ digest: digestOf(1) }));
    expect(trail.flips()).toHaveLength(1);
  });
});
