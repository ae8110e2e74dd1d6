import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import {
  EvidenceCache,
  type KeptEvidence,
} from '../../../agent/verifier/evidence/evidence-cache.ts';
import { Gate } from '../../../agent/verifier/evidence/gate.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { hoursFromNow, NOW, TestClock } from './fixture.ts';

const OPTIONS = { maxBytes: 100, freshMs: 3_600_000, failureMs: 15_000 };

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

  it('lets faults of ours through, and does not remember them', async () => {
    const { cache, get } = openCache();
    const fetch = () => Promise.reject(new TypeError('a fault'));
    await expect(cache.get('a', { fetch })).rejects.toThrow(TypeError);
    expect((await get('a')).byteLength).toBe(30);
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
});
