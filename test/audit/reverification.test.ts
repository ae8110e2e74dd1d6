// Re-verification against a real ledger in memory, a clock that stands still, and a verifier we hold by the hand.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Generation } from '../../agent/audit/image-table.ts';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import { type ImageToVerify, Reverification } from '../../agent/audit/reverification.ts';
import {
  nextReverification,
  REVERIFICATION_TIMES,
} from '../../agent/audit/reverification-schedule.ts';
import { AgentError } from '../../agent/errors.ts';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { verdictOf } from '../support/verdict.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { digestOf, pulledRecords, REPOSITORY } from './images.ts';

const DAY_MS = REVERIFICATION_TIMES.intervalMs;

/** A verifier whose calls wait until the test answers them. */
class HeldVerifier {
  readonly asked: ImageToVerify[] = [];
  readonly #answers: { resolve: (verdict: Verdict) => void; reject: (error: Error) => void }[] = [];

  readonly verify = (image: ImageToVerify, signal: AbortSignal): Promise<Verdict> => {
    this.asked.push(image);
    return new Promise((resolve, reject) => {
      this.#answers.push({ resolve, reject });
      signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    });
  };

  get open(): number {
    return this.#answers.length;
  }

  async answer(broken: Partial<Verdict> | Error = {}): Promise<void> {
    const next = this.#answers.shift();
    if (broken instanceof Error) next?.reject(broken);
    else next?.resolve(verdictOf(broken));
    await settle();
  }
}

let ledger: Ledger;
let clock: FakeClock;
let verifier: HeldVerifier;
let generation: Generation;
let stop: AbortController;
let running: Promise<void>;
let reverification: Reverification;
beforeEach(() => {
  ledger = openLedger(':memory:');
  clock = new FakeClock();
  verifier = new HeldVerifier();
  generation = { policyHash: 'p1', trustHash: 't1' };
  stop = new AbortController();
  reverification = new Reverification({
    ledger,
    verify: verifier.verify,
    generation: () => generation,
    clock,
    random: () => 0,
  });
});
afterEach(async () => {
  stop.abort();
  await running;
  ledger.close();
});

function present(...numbers: readonly number[]): void {
  ledger.reconcileImages(
    numbers.flatMap((n) => pulledRecords(n, `v${n}`)),
    clock.now(),
  );
}

async function start(): Promise<void> {
  running = reverification.run(stop.signal);
  await settle();
}

describe('Reverification', () => {
  it('verifies what is there by repository and digest, and records the verdict', async () => {
    present(1);
    await start();
    expect(verifier.asked).toEqual([
      { name: `${REPOSITORY}@${digestOf(1)}`, descriptor: pulledRecords(1)[0]?.target },
    ]);
    await verifier.answer({ decision: 'deny', reason: 'signature_missing' });
    expect(ledger.images()).toMatchObject([{ state: 'failed', cause: 'no-record' }]);
    expect(ledger.totals()).toMatchObject([{ source: 'reverification', count: 1 }]);
    expect(verifier.asked).toHaveLength(1);
  });

  it('has at most two at work, and takes the next when one is done', async () => {
    present(1, 2, 3);
    await start();
    expect(verifier.open).toBe(2);
    await verifier.answer();
    expect(verifier.asked).toHaveLength(3);
    expect(verifier.open).toBe(2);
  });

  it('starts with a new image when woken, also while another is at work', async () => {
    present(1);
    await start();
    present(1, 2);
    reverification.wake();
    await settle();
    expect(verifier.asked.map(({ descriptor }) => descriptor.digest)).toEqual([
      digestOf(1),
      digestOf(2),
    ]);
  });

  it('looks again when the interval is over, not before', async () => {
    present(1);
    await start();
    await verifier.answer();
    await clock.advance(DAY_MS - 1);
    expect(verifier.asked).toHaveLength(1);
    await clock.advance(1);
    expect(verifier.asked).toHaveLength(2);
  });

  it.each<[string, Generation]>([
    ['policy', { policyHash: 'p2', trustHash: 't1' }],
    ['trust', { policyHash: 'p1', trustHash: 't2' }],
  ])('looks again at once under another %s', async (_, other) => {
    present(1);
    await start();
    await verifier.answer();
    generation = other;
    reverification.wake();
    await settle();
    expect(verifier.asked).toHaveLength(2);
  });

  it('looks again when the policy changed while it was at work', async () => {
    present(1);
    await start();
    generation = { policyHash: 'p2', trustHash: 't1' };
    reverification.wake();
    await settle();
    expect(verifier.asked).toHaveLength(1);
    await verifier.answer();
    expect(verifier.asked).toHaveLength(2);
  });

  it('retries what was inconclusive, later each time', async () => {
    present(1);
    await start();
    for (const waitMs of [60_000, 120_000, 240_000]) {
      await verifier.answer({ decision: 'deny', reason: 'registry_timeout', inconclusive: true });
      const asked = verifier.asked.length;
      await clock.advance(waitMs - 1);
      expect(verifier.asked).toHaveLength(asked);
      await clock.advance(1);
      expect(verifier.asked).toHaveLength(asked + 1);
    }
    expect(ledger.images()).toMatchObject([{ state: 'inconclusive' }]);
  });

  it.each<[Error, string]>([
    [new AgentError('registry_unreachable', 'down'), 'registry_unreachable'],
    [new Error('a fault'), 'internal'],
  ])('takes what the verifier throws as inconclusive: %s', async (error, reason) => {
    present(1);
    await start();
    await verifier.answer(error);
    expect(ledger.images()).toMatchObject([
      { state: 'inconclusive', reverification: { decision: 'deny', reason } },
    ]);
  });

  it('records nothing of what was at work when it stops', async () => {
    present(1);
    await start();
    stop.abort();
    await running;
    expect(ledger.totals()).toEqual([]);
    expect(ledger.imagesDue(generation, clock.now(), 10)).toHaveLength(1);
  });

  it('fails with the ledger', async () => {
    present(1);
    const broken = {
      imagesDue: ledger.imagesDue.bind(ledger),
      nextDue: ledger.nextDue.bind(ledger),
      recordReverification: () => {
        throw new AgentError('ledger_failed', 'disk full');
      },
    };
    const loop = new Reverification({
      ledger: broken,
      verify: verifier.verify,
      generation: () => generation,
      clock,
    });
    const failing = loop.run(stop.signal);
    await settle();
    void verifier.answer();
    await expectCodeAsync(failing, 'ledger_failed');
  });
});

describe('nextReverification', () => {
  const now = new Date('2026-08-22T10:00:00Z');

  it.each([
    [false, 5, 0, DAY_MS, 0],
    [false, 0, 0.999, DAY_MS * 0.9001, 0],
    [true, 0, 0, 60_000, 1],
    [true, 3, 0.5, 360_000, 4],
    [true, 1000, 0, 3_600_000, 1001],
  ])(
    'inconclusive %s after %i attempts at random %f',
    (inconclusive, attempts, random, ms, then) => {
      const next = nextReverification(
        { inconclusive },
        attempts,
        now,
        random,
        REVERIFICATION_TIMES,
      );
      expect(next).toEqual({ due: new Date(now.getTime() + ms), attempts: then });
    },
  );
});
