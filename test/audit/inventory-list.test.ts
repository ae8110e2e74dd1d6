// The ledger's inventory: how images came, since when they stand as they do, what runs them.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countInventory, inventoryCounter } from '../../agent/audit/image-counts.ts';
import type { ImageRecord } from '../../agent/audit/image-key.ts';
import type { JournalEffect } from '../../agent/audit/journal-effects.ts';
import type { PullVerdict } from '../../agent/audit/journal-reading.ts';
import type { PullLine } from '../../agent/audit/pull-line.ts';
import { listInventory, needsLook } from '../../agent/audit/inventory-list.ts';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import { verdictOf } from '../support/verdict.ts';
import { containerOf, digestOf, pulledRecords, recordOf, REPOSITORY } from './images.ts';

const at = (minute: number): Date => new Date(Date.UTC(2026, 7, 22, 10, minute));
const GENERATION = { policyHash: 'p1', trustHash: 't1' };
const DENIED = { decision: 'deny', reason: 'signature_missing' } as const;

let ledger: Ledger;
beforeEach(() => {
  ledger = openLedger(':memory:');
  ledger.noteFirst('began', at(0));
  ledger.noteFirst('installed', at(0));
  ledger.recordJournal('journald', { cursor: 'c', realtimeUs: at(50).getTime() * 1000 }, []);
});
afterEach(() => ledger.close());

const made = (records: readonly ImageRecord[], minute: number, updated = minute) =>
  records.map((record) => ({ ...record, createdAt: at(minute), updatedAt: at(updated) }));

function reverify(n: number, minute: number, change: Partial<Verdict> = {}): void {
  const key = { repository: REPOSITORY, digest: digestOf(n) };
  const verdict = verdictOf({ ...key, time: at(minute).toISOString(), ...change });
  ledger.recordReverification(key, verdict, { ...GENERATION, due: at(59), attempts: 0 });
}

const list = () => listInventory(ledger).images;

describe('an image of the inventory', () => {
  it('came before our installation, or was imported after it', () => {
    ledger.reconcileImages(
      [...made(pulledRecords(1, 'old'), -60), ...made([recordOf(`${REPOSITORY}:new`, 2)], 5)],
      at(6),
    );
    expect(list().map(({ digest, state, cause }) => [digest, state, cause])).toEqual([
      [digestOf(2), 'unverified', 'imported'],
      [digestOf(1), 'unverified', 'present-before-install'],
    ]);
  });

  it('keeps its cause when it is verified, and loses it to a policy that asks for no signature', () => {
    ledger.reconcileImages(made([recordOf(`${REPOSITORY}:new`, 1)], 5), at(6));
    reverify(1, 7);
    expect(list()).toMatchObject([{ state: 'verified', cause: 'imported' }]);
    reverify(1, 8, { reason: 'skipped_by_policy' });
    expect(list()).toMatchObject([
      { state: 'unverified', cause: 'skipped-by-policy', arrival: 'imported' },
    ]);
  });

  it('is taken for imported once a tag is seen to move to it, however old the tag', () => {
    const tag = `${REPOSITORY}:v1`;
    ledger.reconcileImages(made([recordOf(tag, 1)], -60), at(1));
    ledger.reconcileImages(made([recordOf(tag, 2)], -60, 5), at(6));
    expect(list()).toMatchObject([{ digest: digestOf(2), cause: 'imported' }]);
    // Made anew, it says again when it came.
    ledger.reconcileImages(made([recordOf(tag, 3)], 10), at(11));
    expect(list()).toMatchObject([{ digest: digestOf(3), cause: 'imported', since: at(10) }]);
  });

  it('that comes again is seen for the first time again', () => {
    ledger.reconcileImages(made(pulledRecords(1), -60), at(1));
    ledger.reconcileImages([], at(2));
    expect(list()).toEqual([]);
    ledger.reconcileImages(made(pulledRecords(1), 5), at(6));
    expect(list()).toMatchObject([{ cause: 'imported', firstSeen: at(6) }]);
  });

  it('stands as it does since the first of the verdicts that agree', () => {
    ledger.reconcileImages(made(pulledRecords(1), 5), at(6));
    expect(list()).toMatchObject([{ since: at(5), verdict: null }]);
    reverify(1, 7);
    reverify(1, 20);
    expect(list()).toMatchObject([{ state: 'verified', since: at(7) }]);
    reverify(1, 30, DENIED);
    expect(list()).toMatchObject([{ state: 'failed', since: at(30) }]);
    reverify(1, 40);
    expect(list()).toMatchObject([{ state: 'verified', since: at(40) }]);
  });

  it('stands as before after a verdict that was given earlier and is read later', () => {
    ledger.reconcileImages(made(pulledRecords(1), 5), at(6));
    reverify(1, 20);
    const verdict = verdictOf({
      ...{ repository: REPOSITORY, digest: digestOf(1), ...DENIED },
      time: at(10).toISOString(),
    });
    ledger.recordJournal('main', { cursor: 'c', realtimeUs: 1 }, [
      { kind: 'pull_verdict', verdict },
    ]);
    expect(list()).toMatchObject([{ state: 'verified', since: at(20) }]);
  });
});

describe('an image that was pulled', () => {
  const event = (atMinute: number, line: PullLine): JournalEffect => ({
    ...{ kind: 'event', event: 'pull_finished', atUs: at(atMinute).getTime() * 1000 },
    ...{ detail: '', line },
  });
  let number = 0;
  const told = (atMinute: number, ...effects: readonly JournalEffect[]) => {
    number += 1;
    const realtimeUs = at(atMinute).getTime() * 1000;
    ledger.recordJournal('journald', { cursor: `c${number}`, realtimeUs }, effects);
  };
  const verdict = (atMinute: number, change: Partial<PullVerdict> = {}): JournalEffect => ({
    kind: 'pull_verdict',
    verdict: {
      ...verdictOf({ repository: REPOSITORY, digest: digestOf(1) }),
      ...{ time: at(atMinute).toISOString(), ...change },
    },
    atUs: at(atMinute).getTime() * 1000,
  });
  const finished = (atMinute: number) =>
    event(atMinute, {
      ...{ kind: 'finished', requested: `${REPOSITORY}:v1` },
      ...{ repository: REPOSITORY, digest: digestOf(1) },
    });
  const causeOf = () => list().map(({ cause }) => cause);

  it('came by our verdict, also when a later pull of it is refused', () => {
    ledger.reconcileImages(made(pulledRecords(1), 5), at(6));
    told(5, verdict(5), finished(5));
    expect(causeOf()).toEqual(['pulled']);
    told(20, verdict(20, { ...DENIED, mode: 'enforce' }));
    expect(list()).toMatchObject([{ state: 'failed', cause: 'pulled' }]);
  });

  it('came around us when containerd finished its pull without our verdict, or against it', () => {
    ledger.reconcileImages(made(pulledRecords(1), 5), at(6));
    told(5, finished(5));
    expect(causeOf()).toEqual(['bypassed']);
  });

  it('is not taken for imported while its pull goes on', () => {
    const started = event(5, { kind: 'started', requested: `${REPOSITORY}:v1` });
    ledger.reconcileImages(made(pulledRecords(1), 6), at(6));
    told(7, started);
    expect(causeOf()).toEqual(['no-record']);
    told(8, finished(8));
    expect(causeOf()).toEqual(['bypassed']);
  });

  it('came around us by break-glass', () => {
    ledger.reconcileImages(made(pulledRecords(1), 5), at(6));
    told(5, verdict(5, { reason: 'break_glass', mode: 'break_glass' }), finished(5));
    expect(list()).toMatchObject([{ state: 'unverified', cause: 'bypassed' }]);
  });

  it('is another once it was removed and imported', () => {
    ledger.reconcileImages(made(pulledRecords(1), 5), at(6));
    told(5, verdict(5), finished(5));
    ledger.reconcileImages(made(pulledRecords(1), 8), at(9));
    told(10);
    expect(causeOf()).toEqual(['imported']);
  });
});

describe('what runs', () => {
  const run = (...containers: readonly Readonly<Parameters<typeof containerOf>>[]) =>
    ledger.containers.reconcile(
      containers.map((args) => containerOf(...args)),
      at(10),
    );
  const running = () =>
    list().map(({ repository, containers }) => [repository, containers.map(({ id }) => id)]);

  it('is told at its image, whichever of its names the container knows', () => {
    ledger.reconcileImages(pulledRecords(1), at(6));
    const names = pulledRecords(1).map(({ name }) => name);
    run(...names.map((name, n) => [`c${n}`, { images: [name] }] as const));
    expect(running()).toEqual([[REPOSITORY, ['c0', 'c1', 'c2']]]);
  });

  it('is told at the repository that the pod asks for, where several hold the same', () => {
    const other = 'docker.io/library/app';
    ledger.reconcileImages([...pulledRecords(1), ...pulledRecords(1, 'v1', other)], at(6));
    const images = [digestOf(0x1001)];
    run(
      ['c1', { images, asked: 'app:v1' }],
      ['c2', { images, asked: `${REPOSITORY}@${digestOf(1)}` }],
      ['c3', { images, asked: 'elsewhere.example/app' }],
    );
    expect(running()).toEqual([
      [other, ['c1', 'c3']],
      [REPOSITORY, ['c2', 'c3']],
    ]);
  });

  it('keeps its image in the inventory when the records of that go', () => {
    ledger.reconcileImages(pulledRecords(1), at(6));
    reverify(1, 7, DENIED);
    run(['c1', { images: [`${REPOSITORY}:v1`] }]);
    ledger.reconcileImages([], at(11));
    expect(list()).toMatchObject([{ state: 'failed', names: [], containers: [{ id: 'c1' }] }]);
    run(['c1', { images: [`${REPOSITORY}:v1`] }]);
    expect(running()).toEqual([[REPOSITORY, ['c1']]]);
    expect(
      ledger.reverifications.due({ policyHash: 'p2', trustHash: 't1' }, at(12), 1),
    ).toMatchObject([{ name: `${REPOSITORY}@${digestOf(1)}` }]);
    run();
    expect(list()).toEqual([]);
  });

  it('is listed also when nothing tells what its image is', () => {
    run(['c1', { images: ['gone:1'], asked: 'gone:1' }], ['c2', { asked: 'gone:1' }]);
    expect(list()).toMatchObject([
      {
        ...{ repository: null, digest: null, names: ['gone:1'] },
        ...{ state: 'unverified', cause: 'no-record', containers: [{ id: 'c1' }, { id: 'c2' }] },
      },
    ]);
    ledger.reconcileImages([recordOf('gone:1', 1)], at(11));
    run(['c1', { images: ['gone:1'], asked: 'gone:1' }], ['c2', { asked: 'gone:1' }]);
    expect(running()).toEqual([
      [null, ['c2']],
      ['', ['c1']],
    ]);
  });

  it('is counted once, by the image that most needs looking at', () => {
    const other = 'other.example/app';
    ledger.reconcileImages(
      [...pulledRecords(1), ...pulledRecords(1, 'v1', other), ...pulledRecords(2, 'v2')],
      at(6),
    );
    reverify(1, 7);
    const key = { repository: other, digest: digestOf(1) };
    ledger.recordReverification(key, verdictOf({ ...key, ...DENIED }), {
      ...GENERATION,
      ...{ due: at(59), attempts: 0 },
    });
    reverify(1, 8);
    reverify(2, 7);
    const both = [digestOf(0x1001)];
    run(
      ['c1', { images: both }],
      ['c2', { images: both, asked: REPOSITORY }],
      ['c3', { images: [`${REPOSITORY}:v2`] }],
      ['c4'],
    );
    const { images, containers } = countInventory(ledger.eachImage(), ledger.containers.all());
    expect(containers).toEqual(
      expect.arrayContaining([
        { state: 'failed', count: 1 },
        { state: 'verified', count: 2 },
        { state: 'unverified', count: 1 },
      ]),
    );
    expect(images).toEqual(
      expect.arrayContaining([
        { state: 'failed', cause: 'no-record', count: 1 },
        { state: 'verified', cause: 'no-record', count: 2 },
      ]),
    );
  });
});

describe('counting for each who asks', () => {
  it('is done anew once anything was written, and only then', () => {
    let looks = 0;
    const count = inventoryCounter({
      get changes() {
        return ledger.changes;
      },
      eachImage: () => {
        looks++;
        return ledger.eachImage();
      },
      containers: ledger.containers,
    });
    const counts = () => ({ ...count(), looks });
    const now = () => countInventory(ledger.eachImage(), ledger.containers.all());
    const writes = [
      () => reverify(1, 7),
      () => reverify(1, 8),
      () => ledger.containers.reconcile([containerOf('c1', { images: [digestOf(0x1001)] })], at(8)),
      () => ledger.noteGap({ fromMs: at(1).getTime(), toMs: at(2).getTime() }),
      () => ledger.noteFirst('installed', at(0)),
    ];
    expect(counts()).toEqual({ ...now(), looks: 1 });
    for (const [done, write] of writes.entries()) {
      write();
      expect(counts()).toEqual({ ...now(), looks: done + 2 });
      expect(counts()).toEqual({ ...now(), looks: done + 2 });
    }
  });
});

describe('the list', () => {
  it('begins with what somebody should look at, and of that with what runs', () => {
    const unreachable = {
      decision: 'deny',
      reason: 'registry_timeout',
      inconclusive: true,
    } as const;
    const verdicts: readonly Partial<Verdict>[] = [
      {},
      { reason: 'skipped_by_policy' },
      unreachable,
      DENIED,
      DENIED,
    ];
    ledger.reconcileImages(
      verdicts.flatMap((_, n) => pulledRecords(n, `v${n}`)),
      at(6),
    );
    for (const [n, verdict] of verdicts.entries()) reverify(n, 7, verdict);
    ledger.containers.reconcile([containerOf('c', { images: [`${REPOSITORY}:v4`] })], at(7));
    const { images, listedAt } = listInventory(ledger);
    expect(images.map(({ names, state }) => `${names[0] ?? ''} ${state}`)).toEqual([
      `${REPOSITORY}:v4 failed`,
      `${REPOSITORY}:v3 failed`,
      `${REPOSITORY}:v2 inconclusive`,
      `${REPOSITORY}:v1 unverified`,
      `${REPOSITORY}:v0 verified`,
    ]);
    expect(images.map(needsLook)).toEqual([true, true, true, false, false]);
    expect(listedAt).toEqual(at(6));
  });

  it('says that nothing was listed yet', () => {
    expect(listInventory(ledger)).toEqual({ images: [], listedAt: null });
  });
});
