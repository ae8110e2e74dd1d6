// The time that a request has: who ends it, and what is left of it afterwards.
import { getEventListeners } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { Wait } from '../../../agent/verifier/registry/wait.ts';

const caller = () => new AbortController();

describe('Wait', () => {
  it('ends with its caller, whose reason it passes on', () => {
    const controller = caller();
    const wait = new Wait(controller.signal, 1000, 'a manifest');
    expect(wait.signal.aborted).toBe(false);
    controller.abort(new Error('stopped'));
    expect(wait.signal.reason).toEqual(new Error('stopped'));
  });

  it('has ended before it began where its caller has', () => {
    expect(new Wait(AbortSignal.abort(), 1000, 'a manifest').signal.aborted).toBe(true);
  });

  it('ends by itself when its time is over, and says so', () => {
    vi.useFakeTimers();
    try {
      const wait = new Wait(caller().signal, 1000, 'a manifest');
      vi.advanceTimersByTime(999);
      expect(wait.signal.aborted).toBe(false);
      vi.advanceTimersByTime(1);
      expect(wait.signal.aborted).toBe(true);
      expect(wait.failure(new Error('aborted')).code).toBe('registry_timeout');
    } finally {
      vi.useRealTimers();
    }
  });

  it.each<[string, (wait: Wait) => unknown]>([
    ['is whole', (wait) => wait.end()],
    ['failed', (wait) => wait.failure(new Error('reset'))],
  ])('leaves nothing behind once the answer %s', (_, finish) => {
    vi.useFakeTimers();
    try {
      const { signal } = caller();
      const wait = new Wait(signal, 1000, 'a manifest');
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      finish(wait);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
