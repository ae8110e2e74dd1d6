// `nodeseal images` over a ledger that an agent left, or still writes.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listInventory } from '../../agent/audit/inventory-list.ts';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import { images } from '../../agent/commands/images.ts';
import { describeInventory } from '../../agent/commands/images-report.ts';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import { containerOf, digestOf, pulledRecords, recordOf, REPOSITORY } from '../audit/images.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { nodeseal, runCommand, temporaryDirectory } from '../support/front-door.ts';
import { verdictOf } from '../support/verdict.ts';

const HOUR = 3_600_000;
const NOW = new Date();
const ago = (hours: number): Date => new Date(NOW.getTime() - hours * HOUR);
const SIGNER = 'CN=acme,O=Acme';
const DENIED = { decision: 'deny', reason: 'signature_missing' } as const;

/** A state directory with a ledger that is open, and that the node's past is in. */
function openNode(): { readonly ledger: Ledger; readonly settings: Record<string, string> } {
  const stateDir = temporaryDirectory();
  const ledger = openLedger(join(stateDir, 'ledger.sqlite'));
  onTestFinished(() => ledger.close());
  ledger.noteFirst('began', ago(100));
  ledger.noteFirst('installed', ago(100));
  ledger.recordJournal('journald', { cursor: 'c', realtimeUs: ago(1).getTime() * 1000 }, []);
  return { ledger, settings: { NODESEAL_STATE_DIR: stateDir } };
}

function reverify(ledger: Ledger, n: number, change: Partial<Verdict> = {}): void {
  const key = { repository: REPOSITORY, digest: digestOf(n) };
  const verdict = verdictOf({ ...key, time: ago(3).toISOString(), signer: SIGNER, ...change });
  const schedule = { policyHash: 'p1', trustHash: 't1', due: NOW, attempts: 0 };
  ledger.recordReverification(key, verdict, schedule);
}

/** One of each kind: verified, failed and running, unverified. */
function fill(ledger: Ledger): void {
  const made = (hours: number) => ({ createdAt: ago(hours), updatedAt: ago(hours) });
  const records = [
    ...pulledRecords(1, 'good').map((record) => ({ ...record, ...made(200) })),
    ...pulledRecords(2, 'bad').map((record) => ({ ...record, ...made(200) })),
    { ...recordOf('team.example/new:1', 3), ...made(2) },
  ];
  ledger.reconcileImages(records, ago(1));
  reverify(ledger, 1);
  reverify(ledger, 2, { ...DENIED, signer: null });
  ledger.containers.reconcile([containerOf('c1', { images: [`${REPOSITORY}:bad`] })], ago(1));
}

const ask = (settings: Record<string, string>, ...args: string[]) =>
  runCommand(images, args, settings);

describe('nodeseal images', () => {
  it('lists each image once, those first that need somebody to look', async () => {
    const { ledger, settings } = openNode();
    fill(ledger);
    const { code, stdout } = await ask(settings);
    expect(code).toBe(1);
    expect(stdout.split('\n').map((line) => line.replaceAll(/ {2,}/g, ' | '))).toEqual([
      'STATE | CAUSE | SINCE | IMAGE | SIGNER OR REASON | RUNS IN',
      `failed | present-before-install | 3 h | ${REPOSITORY}:bad@${digestOf(2)} | signature_missing | shop/pod-c1`,
      `unverified | imported | 2 h | team.example/new:1@${digestOf(3)} | not looked at yet | -`,
      `verified | present-before-install | 3 h | ${REPOSITORY}:good@${digestOf(1)} | ${SIGNER} | -`,
      '',
      '3 images: 1 failed, 1 unverified, 1 verified; the image store was last listed 60 min ago',
      '',
    ]);
  });

  it('tells programs the whole of it, an object per line', async () => {
    const { ledger, settings } = openNode();
    fill(ledger);
    const controller = { kind: 'ReplicaSet', name: 'cart-7d9' };
    ledger.containers.recordControllers(new Map([['uid-c1', controller]]));
    const { code, stdout } = await ask(settings, '--output', 'json');
    expect(code).toBe(1);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toEqual({
      ...{ repository: REPOSITORY, digest: digestOf(2) },
      names: [`${REPOSITORY}:bad`, `${REPOSITORY}@${digestOf(2)}`, digestOf(0x1002)].sort(),
      ...{ state: 'failed', cause: 'present-before-install', arrival: 'present-before-install' },
      ...{ since: ago(3).toISOString(), firstSeen: ago(1).toISOString(), verifiedAt: null },
      verdict: expect.objectContaining({
        ...DENIED,
        at: ago(3).toISOString(),
        signer: null,
      }) as object,
      containers: [
        {
          ...{ id: 'c1', name: 'main', image: '', createdAt: null, controller },
          pod: { uid: 'uid-c1', namespace: 'shop', name: 'pod-c1' },
        },
      ],
    });
    expect(lines[1]).toMatchObject({ state: 'unverified', verdict: null, containers: [] });
  });

  it.each<[string[], string[], 0 | 1]>([
    [['--state', 'verified'], ['good'], 0],
    [['--state', 'verified, failed'], ['bad', 'good'], 1],
    [['--cause', 'imported'], ['new'], 1],
    [['--cause', 'imported', '--state', 'failed'], [], 0],
    [['--running'], ['bad'], 1],
    [['--image', 'app:good'], ['good'], 0],
    [['--image', digestOf(3)], ['new'], 1],
  ])('lists with %j only %j, and exits with %i', async (args, found, code) => {
    const { ledger, settings } = openNode();
    fill(ledger);
    const ended = await ask(settings, ...args, '--output', 'json');
    const names = [...ended.stdout.matchAll(/:(good|bad)"|\/(new):1/g)].map(
      ([, known, fresh]) => known ?? fresh,
    );
    expect([...new Set(names)]).toEqual(found);
    expect(ended.code).toBe(code);
  });

  it('says of how many it lists some', async () => {
    const { ledger, settings } = openNode();
    fill(ledger);
    const { stdout } = await ask(settings, '--state', 'stale');
    expect(stdout).toBe('0 of 3 images; the image store was last listed 60 min ago\n');
  });

  it('exits with 0 on a node where all is well', async () => {
    const { ledger, settings } = openNode();
    ledger.reconcileImages([...pulledRecords(1, 'a'), ...pulledRecords(2, 'b')], ago(1));
    reverify(ledger, 1);
    reverify(ledger, 2, { reason: 'skipped_by_policy', signer: null });
    expect((await ask(settings)).code).toBe(0);
    expect((await ask(settings, '--cause', 'skipped-by-policy')).code).toBe(0);
  });

  it.each([
    [['--state', 'good'], '--state: expected failed, unverified'],
    [['--state', ''], '--state'],
    [['--cause', 'verified'], '--cause: expected pulled, imported'],
    [['--output', 'yaml'], '--output'],
    [['here'], 'expected nothing more'],
  ])('refuses %j', async (args, text) => {
    const { settings } = openNode();
    const { message } = await expectCodeAsync(
      (async () => ask(settings, ...args))(),
      'argument_invalid',
    );
    expect(message).toContain(text);
  });

  it('never takes what is not known for nothing: without a ledger, or before the first list', async () => {
    const { ledger, settings } = openNode();
    const ledgerless = { NODESEAL_STATE_DIR: temporaryDirectory() };
    await expectCodeAsync((async () => ask(ledgerless))(), 'ledger_failed');
    const error = await expectCodeAsync((async () => ask(settings))(), 'ledger_failed');
    expect(error.message).toContain('no agent has listed them yet');
    ledger.reconcileImages([], NOW);
    expect(await ask(settings)).toMatchObject({ code: 0 });
  });

  it('reads while an agent writes, and what one left that is down', async () => {
    const { ledger, settings } = openNode();
    fill(ledger);
    // By a process of its own, as a person does.
    const beside = await nodeseal(['images', '--running'], settings);
    expect(beside).toMatchObject({ code: 1, stderr: '' });
    expect(beside.stdout).toContain('1 of 3 images');
    ledger.reconcileImages([], NOW);
    ledger.containers.reconcile([], NOW);
    expect((await nodeseal(['images'], settings)).stdout).toContain('0 images');
    const { NODESEAL_STATE_DIR: stateDir = '' } = settings;
    const left = join(stateDir, 'left');
    mkdirSync(left);
    const closed = openLedger(join(left, 'ledger.sqlite'));
    closed.reconcileImages(pulledRecords(1), NOW);
    closed.close();
    expect((await nodeseal(['images'], { NODESEAL_STATE_DIR: left })).stdout).toContain('1 image:');
  });

  it('has help', async () => {
    const { code, stdout } = await nodeseal(['images', '--help']);
    expect(code).toBe(0);
    for (const word of ['--state', '--running', 'present-before-install', 'Exit status']) {
      expect(stdout).toContain(word);
    }
  });
});

describe('on a terminal', () => {
  function show(columns: number, colours = false): string {
    const { ledger } = openNode();
    fill(ledger);
    const list = listInventory(ledger);
    return describeInventory(list.images, list, NOW, { columns, colours });
  }

  it.each([80, 100, 140, 200])('keeps to %i columns, digests shortened', (columns) => {
    const text = show(columns);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
    expect(text).not.toContain(digestOf(1));
    if (columns === 200) expect(text).toContain(`@sha256:${digestOf(1).slice(7, 19)} `);
  });

  it('has colours, which say no more than the words', () => {
    const coloured = show(200, true);
    expect(coloured).toContain('\u001b[1m\u001b[31mfailed');
    expect(stripVTControlCharacters(coloured)).toBe(show(200));
  });

  it('prints no name that could command it', () => {
    const { ledger } = openNode();
    ledger.reconcileImages([recordOf('a.example/\u001b[2J\nverified\u202e', 1)], NOW);
    const list = listInventory(ledger);
    const text = describeInventory(list.images, list, NOW, { columns: 200, colours: false });
    expect(text.replaceAll('\n', '')).not.toMatch(/(?! )[\p{C}\p{Z}]/u);
    expect(text.split('\n')).toHaveLength(5);
  });
});
