// One look at one image that is known to be refused, or of which nothing is known.
import { describe, expect, it } from 'vitest';
import { RegistryPace } from '../../agent/audit/registry-pace.ts';
import { Look, type LookedAt } from '../../agent/audit/reverification-look.ts';
import { REVERIFICATION_TIMES } from '../../agent/audit/reverification-schedule.ts';
import type { DueImage, Schedule } from '../../agent/audit/reverifications.ts';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import { verdictOf } from '../support/verdict.ts';
import { FakeClock } from './fake-clock.ts';
import { digestOf, pulledRecords, REPOSITORY } from './images.ts';

const REGISTRY = 'registry.example';
const REFUSED = verdictOf({ decision: 'deny', reason: 'certificate_untrusted' });
const UNCLEAR = verdictOf({ decision: 'deny', reason: 'revocation_unknown', inconclusive: true });

interface Case {
  readonly image?: Partial<DueImage>;
  /** What is known of the image; absent: nothing. */
  readonly refusal?: Verdict;
  readonly mayAsk: boolean;
  readonly isPaused?: boolean;
}

const DOWN = { reason: 'registry_timeout', message: 'silent' } as const;

/** What a look records, or to when it postpones the image, and how often it asks the registry. */
async function look(
  { image: changes, refusal, mayAsk, isPaused = false }: Case,
  answer: (pace: RegistryPace, now: Date) => Verdict = () => verdictOf({}),
) {
  const [record] = pulledRecords(1);
  if (record === undefined) throw new TypeError('no record');
  const clock = new FakeClock();
  const now = clock.now();
  const pace = new RegistryPace(Infinity);
  if (isPaused) pace.failed(REGISTRY, DOWN, { asked: now, now }, 0);
  const image: DueImage = {
    ...{ repository: REPOSITORY, digest: digestOf(1), name: `${REPOSITORY}@${digestOf(1)}` },
    ...{ descriptor: record.target, attempts: 0, isNew: false, isRunning: true },
    ...{ asksSince: null, firstSeen: now, ...changes },
  };
  const recorded: LookedAt[] = [];
  const postponed: Schedule[] = [];
  const pauses: string[] = [];
  let asked = 0;
  const one = new Look(image, {
    verifier: {
      recall: () =>
        Promise.resolve(refusal === undefined ? null : { verdict: refusal, isFinal: false }),
      verify: () => (asked++, Promise.resolve(answer(pace, now))),
    },
    onPause: (registry) => pauses.push(registry),
    generation: () => ({ policyHash: 'p1', trustHash: 't1' }),
    ...{ pace, clock, times: REVERIFICATION_TIMES, random: () => 0 },
    record: (looked) => recorded.push(looked),
    postpone: (_, schedule) => postponed.push(schedule),
    share: () => ({ images: 1, running: 1 }),
    mayAsk: () => mayAsk,
  });
  await one.run(new AbortController().signal);
  const inSeconds = ({ due, attempts, asks }: Schedule) => {
    return { seconds: (due.getTime() - now.getTime()) / 1000, attempts, asks };
  };
  return {
    recorded: recorded.map(({ verdict: { reason }, means, schedule }) => {
      return { reason, means, ...inSeconds(schedule) };
    }),
    postponed: postponed.map(inSeconds),
    asked,
    ...(pauses.length > 0 && { pauses }),
  };
}

describe('a look at an image whose registry is in trouble', () => {
  const paused = { mayAsk: true, isPaused: true };

  it.each<[string, Case, string, number]>([
    ['is new', { ...paused, image: { isNew: true } }, 'registry_timeout', 1],
    ['was judged before', { ...paused }, 'registry_timeout', 1],
    [
      'is new, and known to be refused',
      { ...paused, image: { isNew: true }, refusal: REFUSED },
      'certificate_untrusted',
      1,
    ],
    [
      'is new, and could not be judged twice',
      { ...paused, image: { isNew: true, attempts: 2 } },
      'registry_timeout',
      3,
    ],
    ['is known, but not clear', { ...paused, refusal: UNCLEAR }, 'revocation_unknown', 1],
  ])('tells of it once when it %s', async (_, given, reason, attempts) => {
    const recorded = [{ reason, means: 'paused', seconds: 15, attempts, asks: true }];
    expect(await look(given)).toEqual({ recorded, postponed: [], asked: 0 });
  });

  it.each<[string, Case, number]>([
    ['was told already', { ...paused, image: { attempts: 2 } }, 2],
    ['is refused as before', { ...paused, refusal: REFUSED }, 0],
  ])('waits without a word when it %s', async (_, given, attempts) => {
    const postponed = [{ seconds: 15, attempts, asks: true }];
    expect(await look(given)).toEqual({ recorded: [], postponed, asked: 0 });
  });
});

describe('a look at an image whose turn has not come', () => {
  it('awaits it where nothing is known', async () => {
    const postponed = [{ seconds: 0, attempts: 3, asks: true }];
    const found = await look({ mayAsk: false, image: { attempts: 3 } });
    expect(found).toEqual({ recorded: [], postponed, asked: 0 });
  });

  it.each<[string, Verdict, number, number]>([
    ['anew where it is clear', REFUSED, 3, 0],
    ['as before where it is not', UNCLEAR, 4, 4],
  ])(
    'tells that it is refused and awaits it, counting %s',
    async (_, refusal, before, attempts) => {
      const { reason } = refusal;
      const recorded = [{ reason, means: 'known', seconds: 0, attempts, asks: true }];
      const found = await look({ mayAsk: false, refusal, image: { attempts: before } });
      expect(found).toEqual({ recorded, postponed: [], asked: 0 });
    },
  );

  it('looks at what is known again soon, where that may be clear by then', async () => {
    const { reason } = UNCLEAR;
    const recorded = [{ reason, means: 'known', seconds: 120, attempts: 2, asks: false }];
    const given = { refusal: UNCLEAR, image: { attempts: 1 } };
    const found = await look({ ...given, mayAsk: false });
    expect(found).toEqual({ recorded, postponed: [], asked: 0 });
    expect((await look({ ...given, mayAsk: true })).asked).toBe(1);
    const clear = await look({ mayAsk: false, refusal: REFUSED, image: { attempts: 1 } });
    expect(clear.recorded).toMatchObject([{ asks: true }]);
  });
});

describe('a look that asks the registry', () => {
  const silent = verdictOf({ decision: 'deny', inconclusive: true, ...DOWN });
  const fail = (pace: RegistryPace, now: Date) =>
    pace.failed(REGISTRY, DOWN, { asked: now, now }, 0);

  it.each([
    ['asks it again soon where nothing is known', undefined, true],
    ['looks at what is known again soon', UNCLEAR, false],
  ])('that cannot tell %s', async (_, refusal, asks) => {
    const given = { mayAsk: true, ...(refusal && { refusal }) };
    const { recorded } = await look(given, () => UNCLEAR);
    expect(recorded).toMatchObject([{ means: 'registry', seconds: 60, attempts: 1, asks }]);
  });

  it('that is silent leaves it alone, and asks it again when that is over', async () => {
    const recorded = [
      { reason: 'registry_timeout', means: 'registry', seconds: 15, attempts: 3, asks: true },
    ];
    const found = await look({ mayAsk: true, image: { attempts: 2 } }, () => silent);
    expect(found).toEqual({ recorded, postponed: [], asked: 1, pauses: [REGISTRY] });
  });

  it('that was silent to others meanwhile is not told of once more', async () => {
    const found = await look({ mayAsk: true }, (pace, now) => {
      fail(pace, now);
      return silent;
    });
    expect(found).not.toHaveProperty('pauses');
    expect(found.recorded).toMatchObject([{ seconds: 15, attempts: 1 }]);
  });

  it('that answers ends its trouble', async () => {
    const pauses: number[] = [];
    for (const answer of [verdictOf({}), silent]) {
      let seen: RegistryPace | undefined;
      await look({ mayAsk: true }, (pace, now) => {
        seen = pace;
        fail(pace, new Date(now.getTime() - 20_000));
        return answer;
      });
      const later = new Date(new FakeClock().now().getTime() + 60_000);
      if (seen !== undefined) pauses.push(fail(seen, later).until.getTime() - later.getTime());
    }
    // After no failure, and after two.
    expect(pauses).toEqual([15_000, 60_000]);
  });
});
