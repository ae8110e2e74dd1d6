// When an image is to be re-verified again.
import type { Verdict } from '../notation/verification/verdict.ts';
import type { Schedule } from './image-table.ts';

export interface ReverificationTimes {
  /** Between two conclusive verdicts on an image under one policy and trust. */
  readonly intervalMs: number;
  /** After the first inconclusive verdict; doubled after each further one. */
  readonly retryMs: number;
  /** Longest wait after an inconclusive verdict. */
  readonly maxRetryMs: number;
}

/** Revocation and expiry are noticed within a day; a registry that is back within the hour. */
export const REVERIFICATION_TIMES: ReverificationTimes = {
  intervalMs: 24 * 60 * 60 * 1000,
  retryMs: 60 * 1000,
  maxRetryMs: 60 * 60 * 1000,
};

/**
 * The next time, and how many inconclusive verdicts there were in a row. Up to a tenth of the
 * interval, and up to half of a retry, is taken off at random, so that neither the images of a node
 * nor the nodes of a cluster come to a registry together. `random` is in [0, 1).
 */
export function nextReverification(
  verdict: Pick<Verdict, 'inconclusive'>,
  attempts: number,
  now: Date,
  random: number,
  times: ReverificationTimes,
): Pick<Schedule, 'due' | 'attempts'> {
  if (!verdict.inconclusive) {
    return { due: after(now, times.intervalMs * (1 - random / 10)), attempts: 0 };
  }
  const waitMs = Math.min(times.retryMs * 2 ** Math.min(attempts, 30), times.maxRetryMs);
  return { due: after(now, waitMs * (1 - random / 2)), attempts: attempts + 1 };
}

function after(now: Date, ms: number): Date {
  return new Date(now.getTime() + Math.round(ms));
}
