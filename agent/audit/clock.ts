// Time as the loops of this folder see it, so that tests can turn it.
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  now(): Date;
  /** Resolves after `ms`, or as soon as the signal aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** A timer of Node fires at once when it is set for longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const SYSTEM_CLOCK: Clock = {
  now: () => new Date(),
  sleep: async (ms, signal) => {
    try {
      await delay(Math.min(Math.max(ms, 0), MAX_TIMER_MS), undefined, { signal });
    } catch {
      // The signal aborted: waking early is all that is asked for.
    }
  },
};
