import { describe, expect, it } from 'vitest';
import { TimedMemory } from '../../../../agent/verifier/registry/credentials/timed-memory.ts';

function create(maxEntries = 10) {
  let nowMs = 0;
  const memory = new TimedMemory<string>(() => nowMs, maxEntries);
  const get = (key: string, value: string, maxAgeMs = 1_000) =>
    memory.get(key, maxAgeMs, () => Promise.resolve(value));
  return { memory, get, advance: (ms: number) => (nowMs += ms) };
}

describe('what was asked for', () => {
  it('is known as long as who asks says', async () => {
    const { get, advance } = create();
    expect(await get('key', 'one')).toBe('one');
    advance(999);
    expect(await get('key', 'two')).toBe('one');
    expect(await get('other', 'two')).toBe('two');
    expect(await get('key', 'two', 999)).toBe('two');
  });

  it('is known also where it failed, whether or not anybody waits', async () => {
    const { memory, get, advance } = create();
    // Not awaited: that would end a process that does not look at it.
    void memory.get('key', 1_000, () => Promise.reject(new Error('a fault')));
    await new Promise((resolve) => setImmediate(resolve));
    await expect(get('key', 'one')).rejects.toThrow('a fault');
    advance(1_000);
    expect(await get('key', 'one')).toBe('one');
  });

  it('longest ago is forgotten when there is too much', async () => {
    const { get, advance } = create(2);
    await get('a', 'a');
    await get('b', 'b');
    advance(1_000);
    // In the place of the first.
    await get('a', 'a2');
    expect(await get('b', 'b2', 2_000)).toBe('b');
    await get('c', 'c');
    expect(await get('a', 'a3')).toBe('a2');
    expect(await get('c', 'c2')).toBe('c');
    expect(await get('b', 'b3', 2_000)).toBe('b3');
  });
});
