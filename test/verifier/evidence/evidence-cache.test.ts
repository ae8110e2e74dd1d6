import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import {
  EvidenceCache,
  type KeptEvidence,
} from '../../../agent/verifier/evidence/evidence-cache.ts';
import { Gate } from '../../../agent/verifier/evidence/gate.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { hoursFromNow, NOW, TestClock } from './fixture.ts';

const OPTIONS = {
  ...{ maxBytes: 100, freshMs: 3_600_000, failureMs: 15_000 },
  ...{ renewMs: 3_600_000, lateMs: 600_000 },
};
/** Only its end makes it be fetched again. */
const RENEWING = { ...OPTIONS, freshMs: Infinity };

function evidence(byteLength = 30): KeptEvidence {
  return { thisUpdate: NOW, validUntil: hoursFromNow(10), byteLength };
}

/** A cache, and how often each key was fetched. */
function openCache(byteLength = 30) {
  const clock = new TestClock();
  const cache = new EvidenceCache({ ...OPTIONS, clock });
  const fetched: string[] = [];
  const get = (key: string) =>
    cache.get(key, {
      fetch: () => {
        fetched.push(key);
        return Promise.resolve(evidence(byteLength));
      },
    });
  return { cache, clock, fetched, get };
}

describe('a cache of evidence', () => {
  it('drops what was not used for longest when there is too much', async () => {
    const { fetched, get } = openCache();
    for (const key of ['a', 'b', 'c', 'a', 'd']) await get(key);
    expect(fetched).toEqual(['a', 'b', 'c', 'd']);
    await get('a');
    await get('b');
    expect(fetched).toEqual(['a', 'b', 'c', 'd', 'b']);
  });

  it('tells when the first ends of those that were asked for lately', async () => {
    const { cache, clock, get } = openCache();
    const hours = (count: number): number => count * 3_600_000;
    expect(cache.firstEnd(hours(1))).toBeNull();
    await get('a');
    expect(cache.firstEnd(hours(1))).toEqual(hoursFromNow(10));
    clock.time = hoursFromNow(2);
    expect(cache.firstEnd(hours(1))).toBeNull();
    await get('a');
    expect(cache.firstEnd(hours(1))).toEqual(hoursFromNow(10));
    // What ended is still told of while somebody needs it.
    clock.time = hoursFromNow(11);
    const failing = cache.get('a', { fetch: () => Promise.reject(new Error('down')) });
    await expect(failing).rejects.toThrow('down');
    expect(cache.firstEnd(hours(1))).toEqual(hoursFromNow(10));
  });

  it('tells when the first ends, whichever was asked for first', async () => {
    for (const ends of [
      [10, 5, 20],
      [5, 10, 20],
      [20, 10, 5],
    ]) {
      const cache = new EvidenceCache<KeptEvidence>({ ...OPTIONS, clock: new TestClock() });
      for (const end of ends) {
        const fetched = { ...evidence(), validUntil: hoursFromNow(end) };
        await cache.get(`until ${end}`, { fetch: () => Promise.resolve(fetched) });
      }
      expect(cache.firstEnd(0)).toEqual(hoursFromNow(5));
      expect(cache.firstEnd(0, ({ validUntil }) => validUntil > hoursFromNow(5))).toEqual(
        hoursFromNow(10),
      );
    }
  });

  it('keeps what fills it to the last byte, and no more', async () => {
    const { fetched, get } = openCache(50);
    for (const key of ['a', 'b', 'a', 'b']) await get(key);
    expect(fetched).toEqual(['a', 'b']);
    const whole = openCache(100);
    for (const key of ['a', 'a']) await whole.get(key);
    expect(whole.fetched).toEqual(['a']);
    const over = openCache(34);
    for (const key of ['a', 'b', 'c', 'a']) await over.get(key);
    expect(over.fetched).toEqual(['a', 'b', 'c', 'a']);
  });

  it('leaves what it has alone when something larger than all of it comes', async () => {
    const { cache, fetched, get } = openCache();
    await get('a');
    await cache.get('large', { fetch: () => Promise.resolve(evidence(101)) });
    await get('a');
    expect(fetched).toEqual(['a']);
  });

  it('loads what was saved once, and keeps it', async () => {
    const { cache } = openCache();
    let loaded = 0;
    const load = () => Promise.resolve((loaded++, { evidence: evidence(), fetchedAt: NOW }));
    const fetch = () => Promise.reject(new Error('not to be fetched'));
    await cache.get('a', { fetch, load });
    await cache.get('a', { fetch, load });
    expect(loaded).toBe(1);
  });

  it('loads what was saved once where nothing newer can be had', async () => {
    const { cache } = openCache();
    let loaded = 0;
    const old = { evidence: evidence(), fetchedAt: hoursFromNow(-2) };
    const load = () => Promise.resolve((loaded++, old));
    const fetch = () => Promise.reject(new AgentError('revocation_unreachable', 'down'));
    expect((await cache.get('a', { fetch, load })).validUntil).toEqual(old.evidence.validUntil);
    await cache.get('a', { fetch, load });
    expect(loaded).toBe(1);
  });

  it.each([
    ['newer', hoursFromNow(1), true],
    ['as old, with another end', NOW, true],
    ['older', hoursFromNow(-1), false],
  ])(
    'gives and saves in place of what it has what is not older: %s',
    async (_, thisUpdate, isTaken) => {
      const { cache, clock } = openCache();
      const saved: Date[] = [];
      const save = ({ validUntil }: KeptEvidence) => Promise.resolve(void saved.push(validUntil));
      const get = async (fetched: KeptEvidence) =>
        (await cache.get('a', { fetch: () => Promise.resolve(fetched), save })).validUntil;
      const first = evidence();
      const second = { ...first, thisUpdate, validUntil: hoursFromNow(20) };
      expect(await get(first)).toEqual(first.validUntil);
      clock.time = hoursFromNow(2);
      const ends = isTaken ? [first.validUntil, second.validUntil] : [first.validUntil];
      expect(await get(second)).toEqual(ends.at(-1));
      expect(await get(second)).toEqual(ends.at(-1));
      expect(saved).toEqual(ends);
    },
  );

  it('asks anew for whoever is in a hurry while the patient wait, and once for all of them', async () => {
    const cache = new EvidenceCache<KeptEvidence>({ ...OPTIONS, clock: new TestClock() });
    const gate = Promise.withResolvers<KeptEvidence>();
    let count = 0;
    const fetch = () => (count++, gate.promise);
    const asked = [true, true, false, false].map((isPatient) =>
      cache.get('a', { fetch }, { isPatient }),
    );
    gate.resolve(evidence());
    await Promise.all(asked);
    expect(count).toBe(2);
  });

  it('takes a failure that nobody waits for any more', async () => {
    const { cache } = openCache();
    // Not awaited: that would end a process that does not look at it.
    void cache.get('a', {
      fetch: () => Promise.reject(new AgentError('revocation_unreachable', 'down')),
    });
    await new Promise((resolve) => setImmediate(resolve));
    const again = cache.get('a', { fetch: () => Promise.resolve(evidence()) });
    await expectCodeAsync(again, 'revocation_unreachable');
  });

  it('forgets the failures of a server that has answered', async () => {
    const clock = new TestClock();
    const cache = new EvidenceCache<KeptEvidence>({ ...OPTIONS, clock, random: () => 0 });
    let count = 0;
    const down = () => (count++, Promise.reject(new AgentError('revocation_unreachable', 'down')));
    const after = (seconds: number, fetch: () => Promise<KeptEvidence>) => {
      clock.time = new Date(clock.time.getTime() + seconds * 1000);
      return cache.get('a', { fetch }, { isPatient: true });
    };
    const failing = (seconds: number) =>
      expectCodeAsync(after(seconds, down), 'revocation_unreachable');
    await failing(0);
    await failing(60);
    await after(600, () => Promise.resolve(evidence()));
    // It has ended; the first failure since is one of its own.
    await failing(11 * 3600);
    await failing(60);
    expect(count).toBe(4);
  });

  it('does not keep what is larger than all of it', async () => {
    const { fetched, get } = openCache(101);
    await get('a');
    await get('a');
    expect(fetched).toEqual(['a', 'a']);
  });

  it('remembers failures for a while, and not too many of them', async () => {
    const clock = new TestClock();
    const cache = new EvidenceCache<KeptEvidence>({ ...OPTIONS, clock });
    let count = 0;
    const failing = (key: string) =>
      expectCodeAsync(
        cache.get(key, {
          fetch: () => {
            count++;
            return Promise.reject(new AgentError('revocation_unreachable', key));
          },
        }),
        'revocation_unreachable',
      );
    await failing('a');
    await failing('a');
    expect(count).toBe(1);
    for (let index = 0; index < 256; index++) await failing(`other ${index}`);
    await failing('a');
    expect(count).toBe(258);
  });

  it('forgets the failure first that is longest ago', async () => {
    const clock = new TestClock();
    const cache = new EvidenceCache<KeptEvidence>({ ...OPTIONS, clock });
    const asked: string[] = [];
    const failing = (key: string) => {
      const failure = new AgentError('revocation_unreachable', key);
      const fetch = () => (asked.push(key), Promise.reject(failure));
      return expectCodeAsync(cache.get(key, { fetch }), 'revocation_unreachable');
    };
    await failing('a');
    for (let index = 0; index < 255; index++) await failing(`other ${index}`);
    await failing('a');
    expect(asked).toHaveLength(256);
    clock.time = new Date(NOW.getTime() + 15_000);
    for (const key of ['a', 'one more']) await failing(key);
    asked.length = 0;
    await failing('a');
    expect(asked).toEqual([]);
  });

  it('lets faults of ours through, and does not remember them', async () => {
    const { cache, get } = openCache();
    const fetch = () => Promise.reject(new TypeError('a fault'));
    await expect(cache.get('a', { fetch })).rejects.toThrow(TypeError);
    expect((await get('a')).byteLength).toBe(30);
  });

  it('fetches what ends soon at a moment of its own, and once more after the end', async () => {
    const clock = new TestClock();
    const cache = new EvidenceCache<KeptEvidence>({ ...RENEWING, clock, random: () => 0.3 });
    let count = 0;
    const get = () => cache.get('a', { fetch: () => Promise.resolve((count++, evidence())) });
    const first = await get();
    expect(first.renewAt.getTime()).toBeLessThan(first.validUntil.getTime());
    expect(first.renewAt.getTime()).toBeGreaterThan(hoursFromNow(9).getTime());
    clock.time = new Date(first.renewAt.getTime() - 1);
    expect(await get()).toEqual(first);
    expect(count).toBe(1);
    // There is nothing newer: asked once, and left alone until it has ended.
    clock.time = first.renewAt;
    const { renewAt } = await get();
    expect(renewAt.getTime()).toBeGreaterThan(first.validUntil.getTime());
    expect(renewAt.getTime()).toBeLessThan(first.validUntil.getTime() + 600_000);
    clock.time = first.validUntil;
    await get();
    expect(count).toBe(2);
    // Whatever was asked of whoever kept it, what has ended is not used.
    clock.time = new Date(first.validUntil.getTime() + 1);
    await get();
    expect(count).toBe(3);
  });

  it('uses what ends soon until its end where it cannot be fetched, and not after', async () => {
    const clock = new TestClock();
    const cache = new EvidenceCache<KeptEvidence>({ ...RENEWING, clock });
    const get = (fetch: () => Promise<KeptEvidence>) => cache.get('a', { fetch });
    const { renewAt, validUntil } = await get(() => Promise.resolve(evidence()));
    const down = () => Promise.reject(new AgentError('revocation_unreachable', 'down'));
    clock.time = renewAt;
    expect((await get(down)).renewAt.getTime()).toBeGreaterThan(validUntil.getTime());
    clock.time = new Date(validUntil.getTime() + 1);
    await expectCodeAsync(get(down), 'revocation_unreachable');
  });

  it('has moments that differ from node to node, and are the same for one wherever it is kept', async () => {
    const momentOf = async (random: number, maxBytes: number) => {
      const cache = new EvidenceCache<KeptEvidence>({
        ...{ ...RENEWING, maxBytes },
        ...{ clock: new TestClock(), random: () => random },
      });
      const load = () => Promise.resolve({ evidence: evidence(), fetchedAt: NOW });
      const fetch = () => Promise.reject(new Error('not to be fetched'));
      const moments = [
        await cache.get('a', { fetch, load }),
        await cache.get('a', { fetch, load }),
      ];
      return moments.map(({ renewAt }) => renewAt.getTime());
    };
    const [one, again] = await momentOf(0.1, 100);
    expect(again).toBe(one);
    expect(await momentOf(0.1, 0)).toEqual([one, one]);
    expect(await momentOf(0.2, 100)).not.toContain(one);
  });

  it('has moments in all of the last hour, over many nodes', async () => {
    const clock = new TestClock();
    const before = Array.from({ length: 64 }, async (_, node) => {
      const cache = new EvidenceCache<KeptEvidence>({
        ...RENEWING,
        clock,
        random: () => node / 64,
      });
      const { renewAt } = await cache.get('a', { fetch: () => Promise.resolve(evidence()) });
      return (hoursFromNow(10).getTime() - renewAt.getTime()) / 3_600_000;
    });
    const quarters = (await Promise.all(before)).map((hours) => Math.floor(hours * 4));
    expect(new Set(quarters)).toEqual(new Set([0, 1, 2, 3]));
  });

  it('takes what was fetched by a clock that was set back since for old', async () => {
    const { clock, fetched, get } = openCache();
    await get('a');
    clock.time = new Date(NOW.getTime() - 1);
    for (const key of ['a', 'a']) await get(key);
    expect(fetched).toEqual(['a', 'a']);
  });

  it('leaves a server that failed alone for longer where nobody is in a hurry', async () => {
    const clock = new TestClock();
    const cache = new EvidenceCache<KeptEvidence>({ ...RENEWING, clock, random: () => 0 });
    let count = 0;
    const fetch = () => {
      count++;
      return Promise.reject(new AgentError('revocation_unreachable', 'down'));
    };
    const askedAfter = async (seconds: number, isPatient: boolean) => {
      clock.time = new Date(clock.time.getTime() + seconds * 1000);
      await expectCodeAsync(cache.get('a', { fetch }, { isPatient }), 'revocation_unreachable');
      return count;
    };
    expect(await askedAfter(0, true)).toBe(1);
    expect(await askedAfter(59, true)).toBe(1);
    expect(await askedAfter(1, true)).toBe(2);
    expect(await askedAfter(599, true)).toBe(2);
    // A pull is.
    expect(await askedAfter(0, false)).toBe(3);
    expect(await askedAfter(14, false)).toBe(3);
    expect(await askedAfter(1, false)).toBe(4);
    expect(await askedAfter(15, true)).toBe(4);
  });

  it('ends what is being fetched when it is closed', async () => {
    const { cache } = openCache();
    const asked = Promise.withResolvers<undefined>();
    const fetching = cache.get('a', {
      fetch: (signal) => {
        const { promise, reject } = Promise.withResolvers<never>();
        const closed = new AgentError('revocation_unreachable', 'closed');
        signal.addEventListener('abort', () => reject(closed));
        asked.resolve(undefined);
        return promise;
      },
    });
    await asked.promise;
    await cache.close();
    await expectCodeAsync(fetching, 'revocation_unreachable');
  });

  it('is closed once nothing is being fetched any more', async () => {
    const { cache } = openCache();
    const { promise, resolve } = Promise.withResolvers<KeptEvidence>();
    const events: string[] = [];
    const fetching = cache.get('a', { fetch: () => promise }).then(() => events.push('fetched'));
    const closing = cache.close().then(() => events.push('closed'));
    await new Promise((done) => setImmediate(done));
    expect(events).toEqual([]);
    resolve(evidence());
    await Promise.all([fetching, closing]);
    expect(events).toEqual(['fetched', 'closed']);
  });
});

describe('a gate', () => {
  it('lets so many through, and the next in line when one is done', async () => {
    const gate = new Gate(2);
    const started: number[] = [];
    const ends = [1, 2, 3, 4].map(() => Promise.withResolvers<undefined>());
    const runs = ends.map(({ promise }, index) =>
      gate.run(() => {
        started.push(index);
        return promise;
      }),
    );
    await Promise.resolve();
    expect(started).toEqual([0, 1]);
    ends[1]?.reject(new Error('failed'));
    await expect(runs[1]).rejects.toThrow('failed');
    for (const { resolve } of ends) resolve(undefined);
    await Promise.allSettled(runs);
    expect(started).toEqual([0, 1, 2, 3]);
  });

  it('has its place again when nobody waits for it, and no more than that', async () => {
    const gate = new Gate(1);
    for (const name of ['a', 'b', 'c']) {
      expect(await gate.run(() => Promise.resolve(name))).toBe(name);
    }
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const started: string[] = [];
    const start = (name: string) => gate.run(() => (started.push(name), promise));
    const both = [start('d'), start('e')];
    expect(started).toEqual(['d']);
    resolve(undefined);
    await Promise.all(both);
  });
});
