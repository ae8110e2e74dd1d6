import { describe, expect, it } from 'vitest';
import { TokenCache } from '../../../agent/verifier/registry/token-cache.ts';
import type { Token } from '../../../agent/verifier/registry/token.ts';

const KEY = 'repository';
const MINUTE_MS = 60_000;

/** A cache, and what was fetched for it. */
function create(maxTokens = 10) {
  let nowMs = 0;
  const fetched: string[] = [];
  const cache = new TokenCache(maxTokens, () => nowMs);
  const get = async (value: string, key = KEY) => {
    const fetch = (): Promise<Token> => {
      fetched.push(value);
      return Promise.resolve({ value, expiresAtMs: nowMs + MINUTE_MS });
    };
    return (await cache.get(key, fetch)).value;
  };
  return { cache, get, fetched, advance: (ms: number) => (nowMs += ms) };
}

describe('a token', () => {
  it('is kept until shortly before it expires', async () => {
    const { get, advance } = create();
    expect(await get('one')).toBe('one');
    advance(MINUTE_MS - 10_001);
    expect(await get('two')).toBe('one');
    advance(1);
    expect(await get('two')).toBe('two');
  });

  it('is fetched once for all who wait', async () => {
    const { get, fetched } = create();
    expect(await Promise.all([get('one'), get('two')])).toEqual(['one', 'one']);
    expect(fetched).toEqual(['one']);
  });

  it('that was refused is forgotten, and not the one in its place', async () => {
    const { cache, get } = create();
    await get('one');
    cache.forget(KEY, 'one');
    expect(await get('two')).toBe('two');
    cache.forget(KEY, 'one');
    expect(await get('three')).toBe('two');
  });

  it('is fetched again after a failure, which all who wait are told of', async () => {
    const { cache, get } = create();
    const { promise, reject } = Promise.withResolvers<Token>();
    const waiting = Promise.allSettled([cache.get(KEY, () => promise), get('one')]);
    reject(new Error('a fault'));
    expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await get('two')).toBe('two');
  });

  it('stays when the one before it, forgotten meanwhile, fails', async () => {
    const { cache, get } = create(1);
    const { promise, reject } = Promise.withResolvers<Token>();
    const waiting = Promise.allSettled([cache.get(KEY, () => promise)]);
    await get('other', 'other');
    expect(await get('one')).toBe('one');
    reject(new Error('a fault'));
    await waiting;
    expect(await get('two')).toBe('one');
  });

  it('that was fetched longest ago goes when there are too many', async () => {
    const { get, advance } = create(2);
    await get('a', 'a');
    advance(MINUTE_MS / 2);
    await get('b', 'b');
    advance(MINUTE_MS / 2);
    // In the place of the first.
    expect(await get('a2', 'a')).toBe('a2');
    await get('c', 'c');
    expect(await get('a3', 'a')).toBe('a2');
    expect(await get('c2', 'c')).toBe('c');
    expect(await get('b2', 'b')).toBe('b2');
  });
});
