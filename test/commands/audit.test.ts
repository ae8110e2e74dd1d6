// `nodeseal audit`: what it finds, how it looks, and that it goes on beside an agent that writes and removes.
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AuditTrail } from '../../agent/audit/audit-trail.ts';
import { inTransaction, openDatabase } from '../../agent/audit/database.ts';
import type { HistoryRecord } from '../../agent/audit/history-record.ts';
import { LedgerSpace } from '../../agent/audit/ledger-space.ts';
import { audit } from '../../agent/commands/audit.ts';
import { pullOf, reverificationOf } from '../audit/history-records.ts';
import { digestOf, REPOSITORY } from '../audit/images.ts';
import { expectCodeAsync } from '../support/expect-code.ts';

const DENIED = { decision: 'deny', reason: 'signature_missing', message: 'no signature' } as const;
const AN_HOUR_MS = 3_600_000;

let folder = '';
let path = '';
let database: ReturnType<typeof openDatabase>;
let trail: AuditTrail;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  path = join(folder, 'ledger.sqlite');
  open();
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(): void {
  database = openDatabase(path);
  trail = new AuditTrail(database);
}

function add(...records: readonly HistoryRecord[]): void {
  inTransaction(database, () => {
    for (const record of records) trail.add(record);
  });
}

/** A terminal so many columns wide, or a pipe. */
class Screen extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number | undefined;

  constructor(columns?: number) {
    super();
    this.isTTY = columns !== undefined;
    this.columns = columns;
  }

  getColorDepth(): number {
    return 8;
  }

  override _write(chunk: Buffer, _: unknown, done: () => void): void {
    this.text += chunk.toString();
    this.emit('text');
    done();
  }

  /** Resolves once it is there. */
  async until(text: string): Promise<void> {
    while (!this.text.includes(text)) {
      await new Promise<void>((resolve) => this.once('text', () => resolve()));
    }
  }
}

function start(args: readonly string[], stdout: Writable = new Screen()) {
  const stop = new AbortController();
  const code = audit.run({
    args,
    environment: { NODESEAL_STATE_DIR: folder },
    stdout,
    stderr: new PassThrough(),
    signal: stop.signal,
  });
  return { code, stop };
}

async function textOf(args: readonly string[], columns?: number): Promise<string> {
  const screen = new Screen(columns);
  expect(await start(args, screen).code).toBe(0);
  return screen.text;
}

async function idsOf(...args: readonly string[]): Promise<number[]> {
  const text = await textOf(['--output', 'json', ...args]);
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { readonly id: number }).id);
}

describe('lines of JSON', () => {
  it('have every field, the same of every line', async () => {
    add(pullOf(), reverificationOf({ ...DENIED, policyHash: '3'.repeat(64) }));
    const lines = (await textOf(['--output', 'json'])).split('\n').slice(0, -1);
    const [pull, , flip, found] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(pull).toEqual({
      id: 1,
      at: '2026-08-22T10:00:00.000Z',
      kind: 'pull',
      decision: 'allow',
      reason: 'verified',
      message: 'verified by policy statement "production"',
      inconclusive: false,
      name: `${REPOSITORY}:v1`,
      repository: REPOSITORY,
      digest: digestOf(1),
      mode: 'enforce',
      admitted: true,
      policy: 'production',
      signature: digestOf(7),
      signer: 'CN=signer,O=example,ST=WA,C=US',
      policyHash: '1'.repeat(64),
      trustHash: '2'.repeat(64),
      durationMs: 12.5,
      via: 'agent',
      cause: null,
      before: null,
    });
    const before = { at: '2026-08-22T10:00:00.000Z', decision: 'allow', reason: 'verified' };
    expect(flip).toMatchObject({ kind: 'flip', ...DENIED, before });
    expect(found).toMatchObject({ kind: 'disagreement', cause: 'policy_changed', before });
    for (const line of [flip, found])
      expect(Object.keys(line ?? {})).toEqual(Object.keys(pull ?? {}));
  });

  it.each<[readonly string[], number[]]>([
    [[], [1, 2, 3]],
    [
      ['--since', '2026-08-22'],
      [2, 3],
    ],
    [
      ['--since', '2026-08-21T09:00Z', '--until', '2026-08-22T11:00:00+01:00'],
      [1, 2],
    ],
    [['--until', '2026-08-21T00:00:00.5Z'], []],
    [['--image', 'other'], [2]],
    [['--decision', 'deny'], [2]],
    [['--kind', 'reverification'], [3]],
    [
      ['--limit', '2'],
      [2, 3],
    ],
    [['--limit', '1', '--kind', 'pull'], [2]],
  ])('are those that %j asks for', async (args, ids) => {
    add(
      pullOf({ time: '2026-08-21T10:00:00Z' }),
      pullOf({ ...DENIED, time: '2026-08-22T09:00:00Z', digest: digestOf(2), name: 'other' }),
      reverificationOf({ time: '2026-08-22T11:00:00Z' }),
    );
    expect(await idsOf(...args)).toEqual(ids);
  });

  it('are those since so long ago', async () => {
    add(pullOf({ time: new Date(Date.now() - 3 * AN_HOUR_MS).toISOString() }));
    add(pullOf({ time: new Date(Date.now() - AN_HOUR_MS).toISOString() }));
    expect(await idsOf('--since', '2h')).toEqual([2]);
  });

  it('are the last hundred, and all of them where there is a beginning', async () => {
    add(...Array.from({ length: 1201 }, () => pullOf()));
    expect(await idsOf()).toHaveLength(100);
    expect(await idsOf('--since', '2020-01-01')).toHaveLength(1201);
  });

  it('hold nothing that commands a terminal', async () => {
    add(pullOf({ name: 'a\u001b[2J\u009bm\u202eb', message: 'x\ny' }));
    const text = await textOf(['--output', 'json']);
    // eslint-disable-next-line no-control-regex -- none of them may be there
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(JSON.parse(text)).toMatchObject({ name: 'a\u001b[2J\u009bm\u202eb', message: 'x\ny' });
  });
});

describe('a table', () => {
  beforeEach(() => {
    add(
      pullOf({ time: '2026-08-22T10:00:00.123Z' }),
      pullOf({ ...DENIED, name: 'other:1', digest: digestOf(2), mode: 'audit' }),
      reverificationOf({ ...DENIED, time: '2026-08-22T11:00:00Z' }),
      pullOf({ digest: digestOf(3), admitted: false }),
    );
  });

  it('says why, where that is not plain', async () => {
    const lines = (await textOf([])).replaceAll(/sha256:0*/g, '#').split('\n');
    expect(lines).toEqual([
      'TIME                  DECISION  KIND            IMAGE',
      `2026-08-22T10:00:00Z  allow     pull            ${REPOSITORY}:v1@#1`,
      '2026-08-22T10:00:00Z  deny      pull            other:1@#2',
      '                      let in by audit mode: signature_missing: no signature',
      '2026-08-22T10:00:00Z  deny      disagreement    other:1@#2',
      '                      containerd let it in (audit, 2026-08-22T10:00:00Z): signature_missing: no signature',
      `2026-08-22T11:00:00Z  deny      reverification  ${REPOSITORY}@#1`,
      '                      signature_missing: no signature',
      `2026-08-22T11:00:00Z  deny      flip            ${REPOSITORY}@#1`,
      '                      allow before (verified, 2026-08-22T10:00:00Z): signature_missing: no signature',
      `2026-08-22T11:00:00Z  deny      disagreement    ${REPOSITORY}@#1`,
      '                      containerd let it in (evidence_changed, 2026-08-22T10:00:00Z): signature_missing: no signature',
      `2026-08-22T10:00:00Z  allow     pull            ${REPOSITORY}:v1@#3`,
      '                      containerd refused it all the same: verified: verified by policy statement "production"',
      `2026-08-22T10:00:00Z  allow     disagreement    ${REPOSITORY}:v1@#3`,
      '                      containerd refused it (overruled, 2026-08-22T10:00:00Z): verified: verified by policy statement "production"',
      '',
    ]);
  });

  it('has colours on a terminal only, and fits it', async () => {
    expect(await textOf([])).not.toContain('\u001b');
    const text = await textOf([], 80);
    expect(text).toContain('\u001b[31mdeny\u001b[39m');
    expect(text).toContain('\u001b[32mallow\u001b[39m');
    // eslint-disable-next-line no-control-regex -- what is counted is what is seen
    const lines = text.replaceAll(/\u001b\[\d+m/g, '').split('\n');
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(text.replaceAll(/\s+/g, '')).toContain(digestOf(1).slice(0, 'sha256:'.length + 12));
    expect(text).not.toContain(digestOf(1));
  });

  it('has nothing where nothing is found', async () => {
    expect(await textOf(['--image', 'nowhere'])).toBe('');
  });
});

describe('bad arguments', () => {
  it.each([
    [['--since', 'yesterday'], '--since: expected a date'],
    [['--until', '2026-13-45'], '--until: expected a date'],
    [['--since', '2026-08-22T10:00:00'], '--since: expected a date'],
    [['--decision', 'maybe'], '--decision: expected allow, deny'],
    [['--kind', 'push'], '--kind: expected pull, reverification, flip, disagreement'],
    [['--limit', '0'], '--limit: expected a whole number'],
    [['--follow', '--until', '2026-08-22'], 'expected no --follow'],
    [['more'], 'expected nothing more'],
  ])('%j are told', async (args, message) => {
    const error = await expectCodeAsync(start(args).code, 'argument_invalid');
    expect(error.message).toContain(message);
  });

  it('a folder without a ledger is told', async () => {
    database.close();
    renameSync(path, `${path}.away`);
    await expectCodeAsync(start([]).code, 'ledger_failed');
    open();
  });
});

describe('--follow', () => {
  it('goes on with what is added, until it is to stop', async () => {
    add(pullOf({ message: 'first' }));
    const screen = new Screen();
    const { code, stop } = start(['--follow', '--output', 'json'], screen);
    await screen.until('first');
    add(pullOf({ message: 'second' }), pullOf({ message: 'third' }));
    await screen.until('third');
    expect(screen.text.split('\n')).toHaveLength(4);
    stop.abort();
    expect(await code).toBe(0);
  });

  it('is followed by nothing that does not match', async () => {
    const screen = new Screen();
    const { code, stop } = start(['--follow', '--decision', 'deny', '--output', 'json'], screen);
    add(pullOf({ message: 'allowed' }), pullOf({ ...DENIED, message: 'denied' }));
    await screen.until('denied');
    expect(screen.text).not.toContain('allowed');
    stop.abort();
    await code;
  });

  it('is not held up, nor told anything twice, when retention removes what was read', async () => {
    const space = new LedgerSpace(database);
    const screen = new Screen();
    const { code, stop } = start(['--follow', '--output', 'json'], screen);
    for (let round = 0; round < 3; round += 1) {
      add(...Array.from({ length: 300 }, () => pullOf({ message: `round ${round}` })));
      await screen.until(`round ${round}`);
      while (space.removeOldest(100) > 0) space.giveBack(1024 * 1024);
    }
    add(pullOf({ message: 'last' }));
    await screen.until('last');
    stop.abort();
    await code;
    const ids = screen.text.match(/"id":\d+/g) ?? [];
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.at(-1)).toBe('"id":901');
  });

  it('goes on with the ledger that is put in the place of another', async () => {
    add(pullOf({ message: 'old' }));
    const screen = new Screen();
    const { code, stop } = start(['--follow', '--output', 'json'], screen);
    await screen.until('old');
    database.close();
    renameSync(path, join(folder, 'away'));
    open();
    add(pullOf({ message: 'new' }));
    await screen.until('new');
    stop.abort();
    await code;
  });
});
