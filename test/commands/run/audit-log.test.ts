// The audit log: every line of the trail on stdout, in order, at least once, whatever happens in between.
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditTrail } from '../../../agent/audit/audit-trail.ts';
import { inTransaction, openDatabase } from '../../../agent/audit/database.ts';
import type { HistoryRecord } from '../../../agent/audit/history-record.ts';
import { auditDocument } from '../../../agent/commands/audit-document.ts';
import { AuditLog, auditLogger } from '../../../agent/commands/run/audit-log.ts';
import { FakeClock, settle } from '../../audit/fake-clock.ts';
import { pullOf, reverificationOf } from '../../audit/history-records.ts';
import { digestOf } from '../../audit/images.ts';

const NO_SIGNATURE = { decision: 'deny', reason: 'signature_missing' } as const;

let database: ReturnType<typeof openDatabase>;
let trail: AuditTrail;
let clock: FakeClock;
beforeEach(() => {
  database = openDatabase(':memory:');
  trail = new AuditTrail(database);
  clock = new FakeClock();
});
afterEach(() => {
  database.close();
});

function add(...records: readonly HistoryRecord[]): void {
  inTransaction(database, () => {
    for (const record of records) trail.add(record);
  });
}

/** A log that is written to memory, and the lines of it. */
function startLog() {
  const stdout = new PassThrough();
  const stop = new AbortController();
  const ended = new AuditLog({ history: trail, log: auditLogger(stdout), clock }).run(stop.signal);
  let text = '';
  stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const lines = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    lines,
    ids: () => lines().map(({ id }) => id),
    text: () => text,
    end: async () => {
      stop.abort();
      await ended;
      await settle();
    },
  };
}

describe('the audit log', () => {
  it('has one line for each line of the trail, with its fields and a name of its own', async () => {
    add(pullOf(), reverificationOf({ ...NO_SIGNATURE, time: '2026-08-22T11:00:00Z' }));
    const log = startLog();
    await settle();
    expect(log.lines().map(({ kind }) => kind)).toEqual([
      'pull',
      'reverification',
      'flip',
      'disagreement',
    ]);
    const [first] = trail.after(0, {}, 1);
    expect(log.lines()[0]).toEqual({
      level: 30,
      time: expect.any(Number) as number,
      log: 'audit',
      msg: 'pull: allow',
      ...(first === undefined ? {} : auditDocument(first)),
    });
    await log.end();
  });

  it('goes on as lines are added', async () => {
    const log = startLog();
    await settle();
    for (let n = 1; n <= 3; n += 1) {
      add(pullOf({ digest: digestOf(n) }));
      await settle();
      await clock.advance(50);
    }
    expect(log.ids()).toEqual([1, 2, 3]);
    expect(trail.writtenTo()).toBe(3);
    await log.end();
  });

  it('writes what is left when it is to stop, and goes on from there', async () => {
    const first = startLog();
    await settle();
    add(pullOf());
    await first.end();
    expect(first.ids()).toEqual([1]);
    add(pullOf());
    const second = startLog();
    await settle();
    expect(second.ids()).toEqual([2]);
    await second.end();
  });

  it('writes again what a crash left unnoted, and loses nothing', async () => {
    add(pullOf(), pullOf(), pullOf());
    trail.recordWritten(1);
    const log = startLog();
    await settle();
    expect(log.ids()).toEqual([2, 3]);
    await log.end();
  });

  it('catches up with a long trail, and with lines that retention has taken', async () => {
    add(...Array.from({ length: 350 }, () => pullOf()));
    database.exec('DELETE FROM history WHERE id BETWEEN 20 AND 120');
    const log = startLog();
    for (let page = 0; page < 5; page += 1) await clock.advance(0);
    expect(log.ids()).toHaveLength(350 - 101);
    expect(trail.writtenTo()).toBe(350);
    await log.end();
  });

  it('looks by itself now and then, should it never be told', async () => {
    const log = startLog();
    await settle();
    trail.onAdd = () => {};
    add(pullOf());
    await clock.advance(60_000);
    await clock.advance(50);
    expect(log.ids()).toEqual([1]);
    await log.end();
  });

  it('has one line for one, and nothing in it that commands a terminal, whatever it is about', async () => {
    const message = 'a"}\n{"log":"audit","id":9}\u001b[2J\u009b2J\u2028\u202e';
    add(pullOf({ message, name: message }));
    const log = startLog();
    await settle();
    expect(log.lines()).toHaveLength(1);
    expect(log.lines()[0]).toMatchObject({ id: 1, message, name: message });
    // eslint-disable-next-line no-control-regex -- none of them may be there
    expect(log.text().slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
    await log.end();
  });
});
