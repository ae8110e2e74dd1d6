import { describe, expect, it } from 'vitest';
import { Bell } from '../agent/bell.ts';

const NEVER = new AbortController().signal;

/** A clock on which a sleep lasts until its signal aborts; it notes for how long it was asked. */
function sleeper() {
  const askedMs: number[] = [];
  const sleep = (ms: number, signal: AbortSignal): Promise<void> => {
    askedMs.push(ms);
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  };
  return { askedMs, sleep };
}

/** Whether it has ended once everything that could end it has. */
async function hasEnded(promise: Promise<void>): Promise<boolean> {
  let ended = false;
  void promise.then(() => (ended = true));
  await new Promise((resolve) => setImmediate(resolve));
  return ended;
}

describe('a bell', () => {
  it('ends the sleep that is under way', async () => {
    const [bell, clock] = [new Bell(), sleeper()];
    const sleep = bell.sleep(clock, 5000, NEVER);
    expect(await hasEnded(sleep)).toBe(false);
    bell.ring();
    expect(await hasEnded(sleep)).toBe(true);
    expect(clock.askedMs).toEqual([5000]);
  });

  it('that was rung during a look ends the sleep after it', async () => {
    const bell = new Bell();
    bell.silence();
    bell.ring();
    expect(bell.isRung).toBe(true);
    expect(await hasEnded(bell.sleep(sleeper(), 5000, NEVER))).toBe(true);
  });

  it('says nothing of what rang before it was silenced', async () => {
    const bell = new Bell();
    bell.ring();
    bell.silence();
    expect(bell.isRung).toBe(false);
    expect(await hasEnded(bell.sleep(sleeper(), 5000, NEVER))).toBe(false);
  });

  it('leaves the signal to end a sleep, too', async () => {
    const [bell, stop] = [new Bell(), new AbortController()];
    const sleep = bell.sleep(sleeper(), 5000, stop.signal);
    expect(await hasEnded(sleep)).toBe(false);
    stop.abort();
    expect(await hasEnded(sleep)).toBe(true);
    expect(bell.isRung).toBe(false);
  });
});
