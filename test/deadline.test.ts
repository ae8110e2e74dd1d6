import { queryObjects } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { withDeadline } from '../agent/deadline.ts';

const NEVER_MS = 60_000;
const NEVER = new AbortController().signal;

/** Work that ends only by its signal. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
  });
}

describe('withDeadline', () => {
  it('gives what the work gives, or throws what it throws', async () => {
    expect(await withDeadline(NEVER, NEVER_MS, () => Promise.resolve('done'))).toBe('done');
    const failed = withDeadline(NEVER, NEVER_MS, () => Promise.reject(new RangeError('failed')));
    await expect(failed).rejects.toThrow(RangeError);
  });

  it('ends the work when its time is over', async () => {
    const ended = withDeadline(NEVER, 1, untilAborted);
    await expect(ended).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('ends the work when the caller ends, also before it began', async () => {
    const reason = new RangeError('the caller says so');
    const caller = new AbortController();
    const ended = withDeadline(caller.signal, NEVER_MS, untilAborted);
    caller.abort(reason);
    await expect(ended).rejects.toBe(reason);
    await expect(withDeadline(caller.signal, NEVER_MS, untilAborted)).rejects.toBe(reason);
  });

  it('leaves no signal behind, also when others are derived from it', async () => {
    const caller = new AbortController();
    const derive = (within: AbortSignal) => {
      const derived = AbortSignal.any([within, AbortSignal.timeout(1)]);
      const listener = () => undefined;
      derived.addEventListener('abort', listener);
      derived.removeEventListener('abort', listener);
      return new Promise((resolve) => setTimeout(resolve, 2));
    };
    // What a first one leaves is Node's, once and for all.
    await withDeadline(caller.signal, NEVER_MS, derive);
    const before = queryObjects(AbortSignal, { format: 'count' });
    const many = Array.from({ length: 50 }, () => withDeadline(caller.signal, NEVER_MS, derive));
    await Promise.all(many);
    many.length = 0;
    await new Promise((resolve) => setImmediate(resolve));
    expect(queryObjects(AbortSignal, { format: 'count' }) - before).toBeLessThan(10);
  });
});
