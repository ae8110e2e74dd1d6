// Retention: by age, by size and of images that are gone, in small steps, with room given back.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditTrail } from '../../agent/audit/audit-trail.ts';
import type { Clock } from '../../agent/audit/clock.ts';
import { inTransaction, openDatabase } from '../../agent/audit/database.ts';
import type { HistoryRecord } from '../../agent/audit/history-record.ts';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import { LedgerSpace } from '../../agent/audit/ledger-space.ts';
import { SLACK_BYTES, STEP_ROWS, retain, sweep, SWEEP_MS } from '../../agent/audit/retention.ts';
import { MIGRATIONS } from '../../agent/audit/schema.ts';
import { verdictOf } from '../support/verdict.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { pullOf } from './history-records.ts';
import { digestOf, pulledRecords, REPOSITORY } from './images.ts';

const NOW = new Date('2026-08-22T10:00:00Z');
const HOUR_MS = 3_600_000;
const EVER = new AbortController().signal;

let folder = '';
let path = '';
let database: DatabaseSync;
let space: LedgerSpace;
let trail: AuditTrail;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'retention-'));
  path = join(folder, 'ledger.sqlite');
  database = openDatabase(path);
  space = new LedgerSpace(database);
  trail = new AuditTrail(database);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A clock whose sleeps are over at once, and counted. */
function quickClock(): Clock & { sleeps: number } {
  const clock = {
    sleeps: 0,
    now: () => NOW,
    sleep: () => {
      clock.sleeps += 1;
      return settle();
    },
  };
  return clock;
}

function hoursAgo(hours: number): string {
  return new Date(NOW.getTime() - hours * HOUR_MS).toISOString();
}

function fill(count: number, changed: Partial<HistoryRecord> = {}): void {
  inTransaction(database, () => {
    for (let n = 0; n < count; n += 1) trail.add(pullOf(changed));
  });
}

function count(table = 'history'): number {
  return Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']);
}

const NO_LIMITS = { maxAgeMs: 1e12, maxBytes: Infinity };

describe('sweep', () => {
  it('removes what is older than it may be, and nothing else', async () => {
    fill(3, { time: hoursAgo(3) });
    fill(2, { time: hoursAgo(1) });
    const removed: unknown[] = [];
    await sweep(
      {
        ...{ space, clock: quickClock(), ...NO_LIMITS, maxAgeMs: 2 * HOUR_MS },
        onRemoved: (...told) => removed.push(told),
      },
      EVER,
    );
    expect(trail.after(0, {}, 10).map(({ id }) => id)).toEqual([4, 5]);
    expect(removed).toEqual([['age', 3]]);
  });

  it('removes the oldest until the rest fits, and gives the room back', async () => {
    fill(20_000, { time: hoursAgo(1) });
    const before = space.space().file;
    const maxBytes = before / 2;
    const clock = quickClock();
    await sweep({ space, clock, ...NO_LIMITS, maxBytes }, EVER);
    const { file, free } = space.space();
    expect(file - free).toBeLessThanOrEqual(maxBytes);
    expect(file - free).toBeGreaterThan(maxBytes * 0.9);
    expect(free).toBeLessThanOrEqual(SLACK_BYTES);
    expect(trail.after(0, {}, 1)[0]?.id).toBeGreaterThan(5000);
    expect(trail.lastId()).toBe(20_000);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    expect(statSync(path).size).toBe(file);
  });

  it('lets others have their turn after every step', async () => {
    fill(STEP_ROWS * 3 + 1, { time: hoursAgo(3) });
    const clock = quickClock();
    await sweep({ space, clock, ...NO_LIMITS, maxAgeMs: HOUR_MS }, EVER);
    expect(count()).toBe(0);
    expect(clock.sleeps).toBeGreaterThanOrEqual(4);
  });

  it('leaves a ledger alone that is young and small, and room that is used again', async () => {
    fill(500);
    database.exec('DELETE FROM history WHERE id > 100');
    const before = space.space();
    expect(before.free).toBeGreaterThan(0);
    await sweep({ space, clock: quickClock(), ...NO_LIMITS }, EVER);
    expect(space.space()).toEqual(before);
    expect(count()).toBe(100);
  });

  it('ends early when the agent stops', async () => {
    fill(STEP_ROWS * 2, { time: hoursAgo(3) });
    await sweep({ space, clock: quickClock(), ...NO_LIMITS, maxAgeMs: 1 }, AbortSignal.abort());
    expect(count()).toBe(STEP_ROWS * 2);
  });

  it('does not hold up who reads meanwhile, page by page', async () => {
    fill(5000, { time: hoursAgo(3) });
    const reader = openLedger(path, { readOnly: true });
    let id = 0;
    const read: number[] = [];
    const clock = quickClock();
    const sweeping = sweep(
      {
        ...{ space, ...NO_LIMITS, maxAgeMs: HOUR_MS },
        clock: {
          ...clock,
          sleep: () => {
            const page = reader.history.after(id, {}, 100);
            read.push(...page.map((line) => line.id));
            id = page.at(-1)?.id ?? id;
            return settle();
          },
        },
      },
      EVER,
    );
    await sweeping;
    fill(1);
    expect(reader.history.after(id, {}, 10)).toMatchObject([{ id: 5001 }]);
    expect(read.length).toBeGreaterThan(0);
    expect(new Set(read).size).toBe(read.length);
    reader.close();
  });
});

describe('images that are gone', () => {
  let ledger: Ledger;
  const LONG_AGO = new Date(hoursAgo(1000));
  const RECENT = new Date(hoursAgo(1));

  beforeEach(() => {
    ledger = openLedger(path);
  });
  afterEach(() => {
    ledger.close();
  });

  function reverify(n: number, at: Date): void {
    const verdict = verdictOf({
      digest: digestOf(n),
      repository: REPOSITORY,
      time: at.toISOString(),
    });
    const image = { repository: REPOSITORY, digest: digestOf(n) };
    ledger.recordReverification(image, verdict, {
      ...{ policyHash: null, trustHash: null, due: at, attempts: 0 },
    });
  }

  function rows(): number[] {
    const tables = ['images', 'verdicts', 'reverifications', 'conclusions', 'disagreements'];
    return tables.map((table) => count(table));
  }

  it('are forgotten after their time; what is here stays, however old', async () => {
    ledger.reconcileImages([...pulledRecords(1), ...pulledRecords(2, 'v2')], LONG_AGO);
    [1, 2].forEach((n) => reverify(n, LONG_AGO));
    const [here = 0] = rows();
    ledger.reconcileImages(pulledRecords(1), LONG_AGO);
    await sweep({ space, clock: quickClock(), ...NO_LIMITS, maxAgeMs: 500 * HOUR_MS }, EVER);
    expect(rows()).toEqual([here / 2, 1, 1, 1, 0]);
    expect(ledger.images()).toMatchObject([{ digest: digestOf(1) }]);
    expect(ledger.totals()).toMatchObject([{ count: 2 }]);
  });

  it('take their pulls with them, but for those of which more may be told', async () => {
    const pull = (n: number, open: number, us: number) =>
      `('${REPOSITORY}', ${n === 0 ? 'NULL' : `'${digestOf(n)}'`}, '', 'none', '', ${us}, ${open})`;
    const longAgoUs = LONG_AGO.getTime() * 1000;
    ledger.reconcileImages(pulledRecords(1), LONG_AGO);
    database.exec(`INSERT INTO pulls
      (repository, digest, name, mode, reason, due_us, open) VALUES
      ${[pull(0, 0, longAgoUs), pull(1, 0, longAgoUs), pull(2, 0, longAgoUs)].join()},
      ${[pull(3, 1, longAgoUs), pull(4, 0, RECENT.getTime() * 1000)].join()}`);
    await sweep({ space, clock: quickClock(), ...NO_LIMITS, maxAgeMs: 500 * HOUR_MS }, EVER);
    const left = database.prepare('SELECT digest FROM pulls ORDER BY id').all();
    expect(left).toEqual([1, 3, 4].map((n) => ({ digest: digestOf(n) })));
  });

  it('are kept while they may come back', async () => {
    ledger.reconcileImages(pulledRecords(1), RECENT);
    reverify(1, RECENT);
    ledger.reconcileImages([], RECENT);
    const before = rows();
    await sweep({ space, clock: quickClock(), ...NO_LIMITS, maxAgeMs: 500 * HOUR_MS }, EVER);
    expect(rows()).toEqual(before);
  });

  it('go early where room is short, but not within the hour', async () => {
    ledger.reconcileImages(pulledRecords(1), RECENT);
    reverify(1, new Date(hoursAgo(0.5)));
    reverify(2, new Date(hoursAgo(2)));
    ledger.reconcileImages([], RECENT);
    await sweep({ space, clock: quickClock(), ...NO_LIMITS, maxBytes: 1 }, EVER);
    expect(count('conclusions')).toBe(1);
    expect(count()).toBe(0);
  });
});

describe('retain', () => {
  it('sweeps again and again until it is to stop', async () => {
    const clock = new FakeClock(NOW.toISOString());
    const stop = new AbortController();
    const ended = retain({ space, clock, ...NO_LIMITS, maxAgeMs: HOUR_MS }, stop.signal);
    const sweepOnce = async () => {
      do await clock.advance(SWEEP_MS);
      while (clock.sleeps.at(-1) !== SWEEP_MS);
    };
    await sweepOnce();
    fill(1, { time: hoursAgo(3) });
    await sweepOnce();
    await sweepOnce();
    expect(count()).toBe(0);
    stop.abort();
    await ended;
  });
});

describe('a ledger from before', () => {
  it('learns to give room back, once', () => {
    const older = join(folder, 'older.sqlite');
    const first = new DatabaseSync(older);
    first.exec(MIGRATIONS[0] ?? '');
    first.exec(`PRAGMA application_id = 1853056364; PRAGMA user_version = 1`);
    first.close();
    const opened = openDatabase(older);
    expect(opened.prepare('PRAGMA auto_vacuum').get()).toEqual({ auto_vacuum: 2 });
    opened.close();
  });
});
