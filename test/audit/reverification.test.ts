// Re-verification against a real ledger in memory, a clock that stands still, and a verifier we hold by the hand.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Ledger, openLedger } from '../../agent/audit/ledger.ts';
import { Reverification, type ReverificationOptions } from '../../agent/audit/reverification.ts';
import type { ImageToVerify } from '../../agent/audit/reverification-look.ts';
import { REVERIFICATION_TIMES } from '../../agent/audit/reverification-schedule.ts';
import type { Generation } from '../../agent/audit/reverifications.ts';
import { AgentError } from '../../agent/errors.ts';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import type { Recalled } from '../../agent/verifier/verifier.ts';
import { expectCodeAsync } from '../support/expect-code.ts';
import { verdictOf } from '../support/verdict.ts';
import { FakeClock, settle } from './fake-clock.ts';
import { containerOf, digestOf, pulledRecords, REPOSITORY } from './images.ts';

const { intervalMs: DAY_MS, spreadMs: SPREAD_MS } = REVERIFICATION_TIMES;
const SECOND_MS = 1000;
const DOWN = { decision: 'deny', reason: 'registry_unreachable', inconclusive: true } as const;
const REFUSED = { decision: 'deny', reason: 'certificate_untrusted' } as const;

/** A verifier whose questions to registries wait until the test answers them. */
class HeldVerifier {
  /** Images that only the registry could tell of. */
  readonly asked: ImageToVerify[] = [];
  recalls = 0;
  /** What is known of every image; null: nothing. */
  known: Recalled | null | Error = null;
  readonly #answers: { resolve: (verdict: Verdict) => void; reject: (error: Error) => void }[] = [];

  readonly recall = (): Promise<Recalled | null> => {
    this.recalls++;
    return this.known instanceof Error ? Promise.reject(this.known) : Promise.resolve(this.known);
  };

  readonly verify = (image: ImageToVerify, signal: AbortSignal): Promise<Verdict> => {
    this.asked.push(image);
    return new Promise((resolve, reject) => {
      this.#answers.push({ resolve, reject });
      signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
    });
  };

  knows(verdict: Partial<Verdict>, isFinal = verdict.decision !== 'deny'): void {
    this.known = { verdict: verdictOf(verdict), isFinal };
  }

  get open(): number {
    return this.#answers.length;
  }

  get numbers(): number[] {
    return this.asked.map(({ descriptor }) => parseInt(descriptor.digest.slice(-4), 16));
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
let listedAt: Date | null;
let told: string[];
let stop: AbortController;
let running: Promise<void>;
let reverification: Reverification;
beforeEach(() => {
  ledger = openLedger(':memory:');
  clock = new FakeClock();
  verifier = new HeldVerifier();
  generation = { policyHash: 'p1', trustHash: 't1' };
  // Whatever comes from now on has just come.
  listedAt = new Date(clock.now().getTime() - 1);
  told = [];
  stop = new AbortController();
  running = Promise.resolve();
  reverification = create();
});
afterEach(async () => {
  stop.abort();
  await running;
  ledger.close();
});

function create(options: Partial<ReverificationOptions> = {}): Reverification {
  return new Reverification({
    ledger,
    verifier,
    generation: () => generation,
    listedAt: () => listedAt,
    onVerdict: (_, { reason }, means) => told.push(`${reason}, ${means}`),
    onPause: (registry) => told.push(`pause of ${registry}`),
    clock,
    random: () => 0,
    // Turns at a registry have tests of their own.
    perSecond: Infinity,
    ...options,
  });
}

function present(...numbers: readonly number[]): void {
  const records = numbers.flatMap((n) => pulledRecords(n, `v${n}`));
  ledger.reconcileImages(records, clock.now());
}

async function start(options: Partial<ReverificationOptions> = {}): Promise<void> {
  reverification = create(options);
  running = reverification.run(stop.signal);
  await settle();
}

async function restart(options: Partial<ReverificationOptions> = {}): Promise<void> {
  stop.abort();
  await running;
  stop = new AbortController();
  await start(options);
}

async function change(other: Generation): Promise<void> {
  generation = other;
  reverification.wake();
  await settle();
}

const OTHER_POLICY = { policyHash: 'p2', trustHash: 't1' };

describe('an image that has just come', () => {
  it('is verified at once, by repository and digest, and its verdict recorded', async () => {
    present(1);
    await start();
    expect(verifier.asked).toEqual([
      { name: `${REPOSITORY}@${digestOf(1)}`, descriptor: pulledRecords(1)[0]?.target },
    ]);
    await verifier.answer({ decision: 'deny', reason: 'signature_missing' });
    expect(ledger.images()).toMatchObject([{ state: 'failed', cause: 'no-record' }]);
    expect(ledger.totals()).toMatchObject([{ source: 'reverification', count: 1 }]);
    expect(verifier.asked).toHaveLength(1);
    expect(told).toEqual(['signature_missing, registry']);
  });

  it('has at most three others beside it, and the next follows when one is done', async () => {
    present(1, 2, 3, 4, 5);
    await start();
    expect(verifier.open).toBe(4);
    await verifier.answer();
    expect(verifier.asked).toHaveLength(5);
    expect(verifier.open).toBe(4);
  });

  it('is begun with when woken, also while another is at work', async () => {
    present(1);
    await start();
    present(1, 2);
    reverification.wake();
    await settle();
    expect(verifier.numbers).toEqual([1, 2]);
  });

  it('takes its turn at the registry', async () => {
    present(1, 2, 3);
    await start({ perSecond: 10, concurrency: 3 });
    expect(verifier.asked).toHaveLength(1);
    await clock.advance(100);
    expect(verifier.asked).toHaveLength(2);
    await clock.advance(100);
    expect(verifier.asked).toHaveLength(3);
  });

  it('asks nobody when it is known', async () => {
    verifier.knows({});
    present(1);
    await start();
    expect(verifier.asked).toEqual([]);
    expect(told).toEqual(['verified, known']);
    expect(ledger.images()).toMatchObject([{ state: 'verified' }]);
  });
});

describe('an image that no repository names', () => {
  const nameless = pulledRecords(1).slice(-1);

  it('is told of when it stays so', async () => {
    verifier.knows({ decision: 'deny', reason: 'reference_invalid' }, true);
    ledger.reconcileImages(nameless, clock.now());
    await start();
    expect(told).toEqual([]);
    await clock.advance(5 * SECOND_MS);
    expect(told).toEqual(['reference_invalid, known']);
  });

  it('is not, when that is how it goes: record by record', async () => {
    verifier.knows({});
    present(1);
    await start();
    verifier.knows({ decision: 'deny', reason: 'reference_invalid' }, true);
    ledger.reconcileImages(nameless, clock.now());
    reverification.wake();
    await settle();
    ledger.reconcileImages([], clock.now());
    await clock.advance(5 * SECOND_MS);
    expect(told).toEqual(['verified, known']);
  });
});

describe('an image that was here before', () => {
  it('asks its registry within the spread, those that run first', async () => {
    present(1, 2, 3, 4);
    ledger.containers.reconcile([containerOf('c1', { images: [`${REPOSITORY}:v4`] })], clock.now());
    listedAt = clock.now();
    await start();
    expect(verifier.numbers).toEqual([4]);
    await verifier.answer();
    await clock.advance(SPREAD_MS / 4 - 1);
    expect(verifier.numbers).toEqual([4]);
    await clock.advance(1);
    expect(verifier.numbers).toEqual([4, 1, 2, 3]);
    expect(ledger.totals()).toMatchObject([{ count: 1 }]);
  });

  it('comes last in the spread by chance', async () => {
    present(1);
    listedAt = clock.now();
    await start({ random: () => 0.999 });
    await clock.advance(SPREAD_MS * 0.999 - 1);
    expect(verifier.asked).toEqual([]);
    await clock.advance(1);
    expect(verifier.asked).toHaveLength(1);
  });

  it('is in no hurry while the node has not been listed', async () => {
    present(1);
    listedAt = null;
    await start({ random: () => 0.5 });
    expect(verifier.asked).toEqual([]);
    await clock.advance(SPREAD_MS / 2);
    expect(verifier.asked).toHaveLength(1);
  });

  it('needs no registry, whenever the agent starts', async () => {
    verifier.knows({});
    present(1, 2, 3);
    listedAt = clock.now();
    await start();
    await restart();
    await clock.advance(DAY_MS);
    expect(verifier.asked).toEqual([]);
    expect(ledger.totals()).toMatchObject([{ count: 6 }]);
  });

  it('keeps its turn when the agent starts again, and takes another if that is over', async () => {
    present(1, 2);
    listedAt = clock.now();
    await start({ random: () => 0.5 });
    await restart({ random: () => 0.5 });
    await clock.advance(SPREAD_MS / 2 - 1);
    expect(verifier.asked).toEqual([]);
    stop.abort();
    await running;
    await clock.advance(1);
    stop = new AbortController();
    await clock.advance(1);
    await start({ random: () => 0.5 });
    expect(verifier.asked).toEqual([]);
    await clock.advance(SPREAD_MS / 2);
    expect(verifier.asked).toHaveLength(2);
  });
});

describe('an image that was verified', () => {
  beforeEach(async () => {
    present(1);
    await start();
    await verifier.answer();
    verifier.asked.length = 0;
  });

  it('is looked at again when the interval is over, not before', async () => {
    const before = verifier.recalls;
    await clock.advance(DAY_MS - 1);
    expect(verifier.recalls).toBe(before);
    verifier.knows({});
    await clock.advance(1);
    expect(verifier.recalls).toBe(before + 1);
    expect(verifier.asked).toEqual([]);
  });

  it.each<[string, Generation]>([
    ['policy', OTHER_POLICY],
    ['trust', { policyHash: 'p1', trustHash: 't2' }],
  ])('is looked at again at once under another %s, without a request', async (_, other) => {
    verifier.knows({});
    await change(other);
    expect(told.at(-1)).toBe('verified, known');
    expect(verifier.asked).toEqual([]);
  });

  it('is refused at once when what is known of it is, and its registry asked later', async () => {
    await restart({ random: () => 0.5 });
    verifier.knows(REFUSED);
    await change(OTHER_POLICY);
    expect(ledger.images()).toMatchObject([{ state: 'failed' }]);
    expect(told.at(-1)).toBe('certificate_untrusted, known');
    expect(verifier.asked).toEqual([]);
    await clock.advance(SPREAD_MS / 2);
    expect(verifier.asked).toHaveLength(1);
    await verifier.answer();
    expect(ledger.images()).toMatchObject([{ state: 'verified' }]);
  });

  it('stays refused when nobody can be asked for another signature', async () => {
    verifier.knows(REFUSED);
    await change(OTHER_POLICY);
    await verifier.answer(DOWN);
    expect(ledger.images()).toMatchObject([
      { state: 'failed', reverification: { reason: 'certificate_untrusted' } },
    ]);
    await clock.advance(15 * SECOND_MS);
    expect(verifier.asked).toHaveLength(2);
  });

  it('is looked at again soon, its registry asked within the spread, while nobody can tell', async () => {
    const undecided: Partial<Verdict> = {
      decision: 'deny',
      reason: 'revocation_unreachable',
      inconclusive: true,
    };
    await restart({ random: () => 0.5 });
    verifier.knows(undecided);
    await change(OTHER_POLICY);
    await clock.advance(SPREAD_MS / 2);
    expect(verifier.asked).toHaveLength(1);
    await verifier.answer(undecided);
    for (const retryMs of [45, 90, 180, 360].map((seconds) => seconds * SECOND_MS)) {
      const { recalls } = verifier;
      await clock.advance(retryMs - 1);
      expect(verifier.recalls).toBe(recalls);
      await clock.advance(1);
      expect(verifier.recalls).toBe(recalls + 1);
      expect(verifier.asked).toHaveLength(1);
    }
    // By now all others had their turn.
    await clock.advance(SPREAD_MS / 2);
    expect(verifier.asked).toHaveLength(2);
    await verifier.answer(undecided);
    verifier.knows({});
    await clock.advance(720 * SECOND_MS);
    expect(ledger.images()).toMatchObject([{ state: 'verified' }]);
    expect(verifier.asked).toHaveLength(2);
  });

  it('is looked at again when the policy changed while it was at work', async () => {
    present(1, 2);
    reverification.wake();
    await settle();
    await change(OTHER_POLICY);
    const { recalls } = verifier;
    await verifier.answer();
    expect(verifier.recalls).toBeGreaterThan(recalls);
    expect(verifier.numbers).toEqual([2, 1, 2]);
  });
});

it('looks again at the moment at which time alone changes a verdict', async () => {
  const validUntil = new Date(clock.now().getTime() + 3600 * SECOND_MS).toISOString();
  verifier.knows({ validUntil });
  present(1);
  await start();
  verifier.knows({ decision: 'deny', reason: 'signature_expired' });
  await clock.advance(3600 * SECOND_MS - 1);
  expect(ledger.images()).toMatchObject([{ state: 'verified' }]);
  await clock.advance(1);
  expect(ledger.images()).toMatchObject([
    { state: 'failed', reverification: { reason: 'signature_expired' } },
  ]);
});

describe('a verdict that could not be reached', () => {
  it('is tried again, later each time', async () => {
    present(1);
    await start();
    for (const waitMs of [60_000, 120_000, 240_000]) {
      await verifier.answer({ decision: 'deny', reason: 'registry_denied', inconclusive: true });
      const asked = verifier.asked.length;
      await clock.advance(waitMs - 1);
      expect(verifier.asked).toHaveLength(asked);
      await clock.advance(1);
      expect(verifier.asked).toHaveLength(asked + 1);
    }
    expect(ledger.images()).toMatchObject([{ state: 'inconclusive' }]);
  });

  it.each<[Error, string]>([
    [new AgentError('registry_denied', 'no'), 'registry_denied'],
    [new Error('a fault'), 'internal'],
  ])('is one for what the verifier throws: %s', async (error, reason) => {
    present(1);
    await start();
    await verifier.answer(error);
    expect(ledger.images()).toMatchObject([
      { state: 'inconclusive', reverification: { decision: 'deny', reason } },
    ]);
  });

  it('is one for what the memory throws, and costs no request', async () => {
    verifier.known = new Error('a fault');
    present(1);
    await start();
    expect(ledger.images()).toMatchObject([{ reverification: { reason: 'internal' } }]);
    expect(verifier.asked).toEqual([]);
  });

  it('is not recorded when it was at work at the stop', async () => {
    present(1);
    await start();
    stop.abort();
    await running;
    expect(ledger.totals()).toEqual([]);
    expect(ledger.reverifications.due(generation, clock.now(), 10)).toHaveLength(1);
  });

  it.each([
    [true, []],
    [false, ['verified, known']],
  ])('is not recorded when it was remembered during the stop: %s', async (isStopped, expected) => {
    const remembered = Promise.withResolvers<Recalled>();
    present(1);
    await start({ verifier: { verify: verifier.verify, recall: () => remembered.promise } });
    if (isStopped) stop.abort();
    remembered.resolve({ verdict: verdictOf({}), isFinal: true });
    await settle();
    stop.abort();
    await running;
    expect(told).toEqual(expected);
  });
});

describe('verdicts of which many come', () => {
  const COUNT = 70;
  const numbers = Array.from({ length: COUNT }, (_, index) => index + 1);
  /** How many verdicts were recorded, and how many told of. */
  const counts = () => [ledger.totals()[0]?.count ?? 0, told.length];
  const answer = async (times: number) => {
    for (let time = 0; time < times; time++) await verifier.answer();
  };

  it('are recorded several at a time, and told of then', async () => {
    present(...numbers);
    await start();
    await answer(63);
    expect(counts()).toEqual([0, 0]);
    await answer(1);
    expect(counts()).toEqual([64, 64]);
    // Nobody waits for those that are not there.
    await answer(COUNT - 64);
    expect(counts()).toEqual([COUNT, COUNT]);
  });

  it('wait for those of a slow registry no longer than a moment', async () => {
    present(...numbers);
    await start();
    await answer(3);
    await clock.advance(99);
    expect(counts()).toEqual([0, 0]);
    await clock.advance(1);
    expect(counts()).toEqual([3, 3]);
    await answer(1);
    await clock.advance(100);
    expect(counts()).toEqual([4, 4]);
  });

  it('are recorded at the stop', async () => {
    present(...numbers);
    await start();
    await answer(3);
    stop.abort();
    await running;
    expect(counts()).toEqual([3, 3]);
  });

  it('are recorded at the stop, also when whoever is at work then ends before the wait for others', async () => {
    present(...numbers);
    const sleep = async (ms: number, signal: AbortSignal) => {
      await clock.sleep(ms, signal);
      await settle();
    };
    await start({ clock: { now: () => clock.now(), sleep } });
    await answer(3);
    expect(counts()).toEqual([0, 0]);
    stop.abort();
    await running;
    expect(counts()).toEqual([3, 3]);
  });

  it('are recorded before it is asked which images are due by another policy', async () => {
    present(...numbers);
    await start();
    await answer(3);
    await change(OTHER_POLICY);
    await answer(1);
    expect(counts()).toEqual([4, 4]);
    expect(ledger.reverifications.due(OTHER_POLICY, clock.now(), 100)).toHaveLength(COUNT);
  });
});

describe('a look at all images', () => {
  const MINUTES = { ...REVERIFICATION_TIMES, intervalMs: 60 * SECOND_MS };

  /** Two images have their verdicts, and it is known that there are no others. Counts looks from then on. */
  const allKnown = async () => {
    const all = vi.spyOn(ledger.reverifications, 'due');
    const byTime = vi.spyOn(ledger.reverifications, 'dueByTime');
    verifier.knows({});
    present(1, 2);
    await start({ times: MINUTES });
    await clock.advance(SECOND_MS);
    all.mockClear();
    return { all, byTime };
  };

  it('is not taken for an image whose time has come', async () => {
    const looks = await allKnown();
    await clock.advance(60 * SECOND_MS);
    expect(verifier.recalls).toBe(4);
    expect(looks.all).not.toHaveBeenCalled();
    expect(looks.byTime).toHaveBeenCalled();
  });

  it.each<[string, () => Promise<void>]>([
    [
      'another came',
      async () => {
        present(1, 2, 3);
        reverification.wake();
        await settle();
      },
    ],
    ['there is another policy', () => change(OTHER_POLICY)],
    ['an hour has passed, should nobody have told', () => clock.advance(3600 * SECOND_MS)],
  ])('is taken when %s', async (_, happen) => {
    const looks = await allKnown();
    await happen();
    expect(looks.all).toHaveBeenCalled();
  });

  it('is taken until there are no more, however many there are', async () => {
    verifier.knows({});
    present(...Array.from({ length: 300 }, (_, index) => index + 1));
    await start();
    await clock.advance(SECOND_MS);
    expect(verifier.recalls).toBe(300);
  });

  it('is taken for another policy of which nobody has told', async () => {
    present(1, 2, 3, 4, 5);
    await start();
    expect(verifier.numbers).toEqual([1, 2, 3, 4]);
    generation = OTHER_POLICY;
    await verifier.answer();
    await verifier.answer();
    expect(verifier.numbers).toEqual([1, 2, 3, 4, 5, 1]);
  });

  it('is taken again for one that another policy found at work', async () => {
    present(1);
    await start();
    await change(OTHER_POLICY);
    await verifier.answer();
    expect(verifier.numbers).toEqual([1, 1]);
  });
});

describe('a registry in trouble', () => {
  it('is not asked for other images, which are told of it once', async () => {
    present(1);
    await start();
    await verifier.answer(DOWN);
    expect(told).toEqual(['pause of registry.example', 'registry_unreachable, registry']);
    present(1, 2);
    reverification.wake();
    await settle();
    expect(verifier.numbers).toEqual([1]);
    expect(told.at(-1)).toBe('registry_unreachable, paused');
    expect(ledger.images()).toMatchObject([{ state: 'inconclusive' }, { state: 'inconclusive' }]);
  });

  it('is asked again by the image that found out, and by the others once it is back', async () => {
    present(1);
    await start();
    await verifier.answer(DOWN);
    present(1, 2, 3);
    reverification.wake();
    await settle();
    await clock.advance(15 * SECOND_MS);
    expect(verifier.numbers.slice(0, 2)).toEqual([1, 1]);
    while (verifier.open > 0) await verifier.answer();
    await clock.advance(1);
    while (verifier.open > 0) await verifier.answer();
    expect(ledger.images().map(({ state }) => state)).toEqual(Array(3).fill('verified'));
  });

  it('has the others wait longer each time it fails again, without telling them again', async () => {
    present(1, 2);
    await start({ concurrency: 1 });
    await verifier.answer(DOWN);
    for (const pauseMs of [15, 30, 60].map((seconds) => seconds * SECOND_MS)) {
      const { length } = verifier.asked;
      await clock.advance(pauseMs - 1);
      expect(verifier.asked).toHaveLength(length);
      await clock.advance(1);
      expect(verifier.asked).toHaveLength(length + 1);
      await verifier.answer(DOWN);
    }
    expect(told.filter((line) => line === 'registry_unreachable, paused')).toHaveLength(1);
  });

  it('is none for images that are known', async () => {
    present(1);
    await start();
    await verifier.answer(DOWN);
    verifier.knows({});
    present(1, 2);
    reverification.wake();
    await settle();
    expect(told.at(-1)).toBe('verified, known');
  });
});

it('fails with the ledger', async () => {
  present(1);
  const broken = {
    reverifications: ledger.reverifications,
    recordReverifications: () => {
      throw new AgentError('ledger_failed', 'disk full');
    },
  };
  const failing = create({ ledger: broken }).run(stop.signal);
  await settle();
  void verifier.answer();
  await expectCodeAsync(failing, 'ledger_failed');
});
