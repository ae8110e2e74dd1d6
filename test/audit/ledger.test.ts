// The ledger: exactly once for the journal, one image for three records, and a file that may be anything.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync,
  rmSync,
  truncateSync,
  writeFileSync,
  copyFileSync,
  existsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalEffect } from '../../agent/audit/journal-effects.ts';
import type { PullVerdict } from '../../agent/audit/journal-reading.ts';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import { APPLICATION_ID, MIGRATIONS } from '../../agent/audit/schema.ts';
import { MAX_VERDICTS } from '../../agent/audit/verdict-table.ts';
import { expectCode } from '../support/expect-code.ts';
import { verdictOf } from '../support/verdict.ts';
import { digestOf, pulledRecords, recordOf, REPOSITORY } from './images.ts';

const NOW = new Date('2026-08-22T10:00:00Z');
const LATER = new Date('2026-08-22T11:00:00Z');
const GENERATION = { policyHash: 'p1', trustHash: 't1' };
const KEY = { repository: REPOSITORY, digest: digestOf(1) };

let folder = '';
let ledger: Ledger;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-'));
  ledger = openLedger(':memory:');
});
afterEach(() => {
  ledger.close();
  rmSync(folder, { recursive: true, force: true });
});

function pull(broken: Partial<PullVerdict> = {}): JournalEffect {
  const verdict = verdictOf({ digest: digestOf(1), ...broken });
  return { kind: 'pull_verdict', verdict: { ...verdict, ...broken } };
}

function position(n: number): { cursor: string; realtimeUs: number } {
  return { cursor: `c${n}`, realtimeUs: n };
}

describe('recordJournal', () => {
  it('moves the position and counts the effects', () => {
    const event = { kind: 'event', event: 'pull_fallback', atUs: 7, detail: 'x' } as const;
    ledger.recordJournal('main', position(1), [
      pull(),
      pull({ decision: 'deny', reason: 'signature_missing' }),
      pull({ decision: 'deny', reason: 'signature_missing', mode: 'audit' }),
      pull(),
      event,
    ]);
    ledger.recordJournal('main', position(2), [{ ...event, atUs: 9, detail: 'y' }]);
    ledger.recordJournal('other', position(3), []);
    expect(ledger.position('main')).toEqual(position(2));
    expect(ledger.position('other')).toEqual(position(3));
    expect(ledger.position('none')).toBeUndefined();
    expect(ledger.totals()).toEqual([
      { source: 'pull', decision: 'allow', reason: 'verified', mode: 'enforce', count: 2 },
      { source: 'pull', decision: 'deny', reason: 'signature_missing', mode: 'audit', count: 1 },
      { source: 'pull', decision: 'deny', reason: 'signature_missing', mode: 'enforce', count: 1 },
    ]);
    expect(ledger.events()).toEqual([
      { event: 'pull_fallback', count: 2, lastUs: 9, lastDetail: 'y' },
    ]);
  });

  it('counts a verdict on an image that could not be named', () => {
    ledger.recordJournal('main', position(1), [
      pull({ digest: null, decision: 'deny', reason: 'invocation_invalid' }),
    ]);
    expect(ledger.totals()).toMatchObject([{ reason: 'invocation_invalid', count: 1 }]);
  });

  it('records neither position nor effects when one of them cannot be', () => {
    ledger.recordJournal('main', position(1), [pull()]);
    const broken = pull({ decision: null as unknown as 'deny' });
    expectCode(() => ledger.recordJournal('main', position(2), [pull(), broken]), 'ledger_failed');
    expect(ledger.position('main')).toEqual(position(1));
    expect(ledger.totals()).toMatchObject([{ count: 1 }]);
  });

  it('keeps position and totals in step when the process is killed at any moment', async () => {
    const path = join(folder, 'ledger.db');
    // Writes without pause, and says so once; the kill lands wherever it then is.
    const script = `
      import { writeSync } from 'node:fs';
      import { openLedger } from ${JSON.stringify(pathToFileURL('agent/audit/ledger.ts').href)};
      const ledger = openLedger(${JSON.stringify(path)});
      const start = ledger.position('main')?.realtimeUs ?? 0;
      for (let n = start + 1; ; n += 1) {
        ledger.recordJournal('main', { cursor: 'c' + n, realtimeUs: n },
          [{ kind: 'event', event: 'pull_started', atUs: n, detail: '' }]);
        if (n === start + 20) writeSync(1, 'writing');
      }`;
    let before = 0;
    for (let round = 0; round < 3; round += 1) {
      const child = spawn(
        process.execPath,
        ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'close');
      const reopened = openLedger(path);
      const count = reopened.events()[0]?.count ?? 0;
      expect(count).toBeGreaterThanOrEqual(before + 20);
      expect(reopened.position('main')?.realtimeUs).toBe(count);
      reopened.close();
      before = count;
    }
  });
});

describe('images', () => {
  it('counts the three records of one pulled image as one', () => {
    ledger.reconcileImages(pulledRecords(1), NOW);
    expect(ledger.images()).toMatchObject([
      {
        ...KEY,
        names: expect.arrayContaining(pulledRecords(1).map(({ name }) => name)) as string[],
      },
    ]);
  });

  it('counts them once in whatever order they come and go', () => {
    const [tag, pinned, config] = pulledRecords(1);
    if (tag === undefined || pinned === undefined || config === undefined) throw new TypeError();
    for (const record of [config, tag, pinned]) {
      ledger.recordImage(record, NOW);
      expect(ledger.images()).toHaveLength(1);
    }
    for (const record of [tag, pinned]) {
      ledger.forgetImage(record.name);
      expect(ledger.images()).toHaveLength(1);
    }
    expect(ledger.images()).toMatchObject([{ repository: '', names: [config.name] }]);
    ledger.forgetImage(config.name);
    expect(ledger.images()).toEqual([]);
  });

  it('counts the same content in two repositories twice, because policy is by repository', () => {
    ledger.reconcileImages(
      [...pulledRecords(1), ...pulledRecords(1, 'v1', 'other.example/app')],
      NOW,
    );
    expect(ledger.images().map(({ repository }) => repository)).toEqual([
      'other.example/app',
      REPOSITORY,
    ]);
  });

  it('keeps an image whose name is no reference', () => {
    ledger.recordImage(recordOf('import-2026-08-22', 1), NOW);
    expect(ledger.images()).toMatchObject([
      { repository: '', state: 'unverified', cause: 'no-record' },
    ]);
  });

  it('follows a tag that moves', () => {
    ledger.recordImage(recordOf(`${REPOSITORY}:v1`, 1), NOW);
    expect(ledger.recordImage(recordOf(`${REPOSITORY}:v1`, 1), LATER)).toBe(false);
    expect(ledger.images()).toMatchObject([{ firstSeen: NOW, lastSeen: LATER }]);
    expect(ledger.recordImage(recordOf(`${REPOSITORY}:v1`, 2), LATER)).toBe(true);
    expect(ledger.images().map(({ digest }) => digest)).toEqual([digestOf(2)]);
  });

  it('drops what a complete list no longer has, and says whether anything changed', () => {
    expect(ledger.reconcileImages([...pulledRecords(1), ...pulledRecords(2, 'v2')], NOW)).toBe(
      true,
    );
    expect(ledger.reconcileImages([...pulledRecords(1), ...pulledRecords(2, 'v2')], NOW)).toBe(
      false,
    );
    expect(ledger.reconcileImages(pulledRecords(2, 'v2'), NOW)).toBe(true);
    expect(ledger.images().map(({ digest }) => digest)).toEqual([digestOf(2)]);
    expect(ledger.forgetImage('unknown')).toBe(false);
  });

  it('joins the verdicts of both sources, also those before the image was there', () => {
    ledger.recordJournal('main', position(1), [pull()]);
    ledger.reconcileImages(pulledRecords(1), NOW);
    const again = verdictOf({
      decision: 'deny',
      reason: 'signature_missing',
      time: LATER.toISOString(),
    });
    ledger.recordReverification(KEY, again, { ...GENERATION, due: LATER, attempts: 0 });
    const [image] = ledger.images();
    expect(image).toMatchObject({ state: 'failed', cause: 'pulled' });
    expect({ ...again, ...image?.reverification }).toEqual({ ...again, mode: 'none' });
    expect(image?.pull?.reason).toBe('verified');
  });

  it('does not take the verdict on another repository for its own', () => {
    ledger.recordJournal('main', position(1), [pull({ repository: 'other.example/app' })]);
    ledger.reconcileImages(pulledRecords(1), NOW);
    expect(ledger.images()).toMatchObject([{ state: 'unverified', cause: 'no-record' }]);
  });

  it('drops the oldest verdicts on absent images past the limit, and no total', () => {
    ledger.reconcileImages(pulledRecords(1), NOW);
    const refused = Array.from({ length: MAX_VERDICTS + 10 }, (_, n) =>
      pull({ digest: digestOf(n + 100) }),
    );
    ledger.recordJournal('main', position(1), [pull(), ...refused]);
    ledger.reconcileImages(
      [...pulledRecords(1), ...pulledRecords(100), ...pulledRecords(MAX_VERDICTS + 100)],
      NOW,
    );
    expect(ledger.totals()).toMatchObject([{ count: MAX_VERDICTS + 11 }]);
    const judged = ledger.images().map(({ digest, pull: last }) => [digest, last !== null]);
    expect(judged).toEqual([
      [digestOf(1), true],
      [digestOf(100), true],
      [digestOf(MAX_VERDICTS + 100), true],
    ]);
    ledger.reconcileImages(pulledRecords(101), NOW);
    expect(ledger.images()).toMatchObject([{ pull: null }]);
  });
});

describe('openLedger', () => {
  it('finds everything again after it was closed', () => {
    const path = join(folder, 'ledger.db');
    const first = openLedger(path);
    first.recordJournal('main', position(1), [pull()]);
    first.reconcileImages(pulledRecords(1), NOW);
    const before = [first.position('main'), first.totals(), first.images()];
    first.close();
    const second = openLedger(path);
    expect([second.position('main'), second.totals(), second.images()]).toEqual(before);
    second.close();
  });

  it('may be read beside the agent that writes it', () => {
    const path = join(folder, 'ledger.db');
    const writer = openLedger(path);
    const reader = openLedger(path, { readOnly: true });
    writer.reconcileImages(pulledRecords(1), NOW);
    expect(reader.images()).toHaveLength(1);
    expectCode(() => reader.forgetImage('x'), 'ledger_failed');
    reader.close();
    writer.close();
  });

  it('says what to do with a file that is no database', () => {
    const path = join(folder, 'ledger.db');
    writeFileSync(path, 'this is not a database, and long enough to tell'.repeat(50));
    expect(expectCode(() => openLedger(path), 'ledger_failed').message).toContain('move it away');
  });

  it('says what to do with a ledger that was damaged', () => {
    const path = join(folder, 'ledger.db');
    const good = openLedger(path);
    good.reconcileImages(pulledRecords(1), NOW);
    good.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
    const damaged = join(folder, 'damaged.db');
    copyFileSync(path, damaged);
    truncateSync(damaged, 8192);
    expect(expectCode(() => openLedger(damaged), 'ledger_failed').message).toContain(
      'move it away',
    );
    openLedger(path).close();
  });

  it('leaves the database of another program alone', () => {
    const path = join(folder, 'other.db');
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE images (x); PRAGMA user_version = 1');
    other.close();
    expect(expectCode(() => openLedger(path), 'ledger_failed').message).toContain(
      'another program',
    );
  });

  it('brings a ledger from before there were modes up to date, and loses no count', () => {
    const path = join(folder, 'ledger.db');
    const older = new DatabaseSync(path);
    older.exec(MIGRATIONS[0] ?? '');
    older.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1`);
    older.exec(`INSERT INTO verdict_totals VALUES
      ('pull', 'deny', 'signature_missing', 3), ('reverification', 'allow', 'verified', 4)`);
    const verdict = (source: string): string =>
      `INSERT INTO verdicts VALUES ('${REPOSITORY}', '${digestOf(1)}', '${source}', 'allow',
        'verified', '', 0, NULL, NULL, NULL, NULL, NULL, '2026-08-22T10:00:00Z', 1)`;
    older.exec(`${verdict('pull')}; ${verdict('reverification')}`);
    older.close();
    const upgraded = openLedger(path);
    upgraded.recordJournal('main', position(1), [
      pull({ decision: 'deny', reason: 'signature_missing' }),
    ]);
    expect(upgraded.totals()).toMatchObject([
      { source: 'pull', reason: 'signature_missing', mode: 'enforce', count: 4 },
      { source: 'reverification', reason: 'verified', mode: 'none', count: 4 },
    ]);
    upgraded.reconcileImages(pulledRecords(1), NOW);
    expect(upgraded.images()).toMatchObject([
      { pull: { mode: 'enforce' }, reverification: { mode: 'none' } },
    ]);
    upgraded.close();
  });

  it('refuses a ledger of a newer version', () => {
    const path = join(folder, 'ledger.db');
    openLedger(path).close();
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 99');
    database.close();
    expect(expectCode(() => openLedger(path), 'ledger_failed').message).toContain('found 99');
  });

  it.each([
    ['a folder that is not there', 'none/ledger.db', false],
    ['nothing to read', 'none.db', true],
  ])('refuses %s', (_, name, readOnly) => {
    expectCode(() => openLedger(join(folder, name), { readOnly }), 'ledger_failed');
  });
});
