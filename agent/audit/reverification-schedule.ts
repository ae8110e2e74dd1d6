// When an image is to be re-verified again, and when it may ask its registry. Pure: the bench simulates a cluster with it.
import type { Verdict } from '../notation/verification/verdict.ts';
import type { Schedule, Share } from './reverifications.ts';

export interface ReverificationTimes {
  /** Between two conclusive verdicts on an image under one policy and trust. */
  readonly intervalMs: number;
  /** After the first inconclusive verdict; doubled after each further one. */
  readonly retryMs: number;
  /** Longest wait after an inconclusive verdict. */
  readonly maxRetryMs: number;
  /** Over how long the images of a node that all need their registry at once ask it. */
  readonly spreadMs: number;
}

/**
 * Revocation without an announced date is noticed within a day; a registry that is back within the
 * hour. Ten minutes make 5,000 nodes with 50 images each a load that a registry bears.
 */
export const REVERIFICATION_TIMES: ReverificationTimes = {
  intervalMs: 24 * 60 * 60 * 1000,
  retryMs: 60 * 1000,
  maxRetryMs: 60 * 60 * 1000,
  spreadMs: 10 * 60 * 1000,
};

/** At the end of a term all images of a node are looked at; of the nodes, those of evidence come apart. */
const TERM_SPREAD_MS = 10 * 1000;
/** Evidence of a few seconds must not keep a node busy. */
const MIN_TERM_MS = 10 * 1000;

/**
 * The next time, and how many inconclusive verdicts there were in a row: at the interval, or sooner
 * when time alone may change the verdict. Up to a tenth of the interval, and up to half of a retry,
 * is taken off at random, so that neither the images of a node nor the nodes of a cluster come to a
 * registry together. `random` is in [0, 1).
 */
export function nextReverification(
  verdict: Pick<Verdict, 'inconclusive' | 'validUntil'>,
  attempts: number,
  now: Date,
  random: number,
  times: ReverificationTimes,
): Pick<Schedule, 'due' | 'attempts'> {
  if (!verdict.inconclusive) {
    const due = after(now, times.intervalMs * (1 - random / 10));
    const term = termOf(verdict, now, random);
    return { due: term !== null && term < due ? term : due, attempts: 0 };
  }
  const waitMs = Math.min(times.retryMs * 2 ** Math.min(attempts, 30), times.maxRetryMs);
  return { due: after(now, waitMs * (1 - random / 2)), attempts: attempts + 1 };
}

/** Never before the moment itself: it would be looked at once more for nothing. */
function termOf({ validUntil }: Pick<Verdict, 'validUntil'>, now: Date, random: number) {
  if (validUntil === null) return null;
  const term = after(new Date(validUntil), random * TERM_SPREAD_MS);
  const soonest = after(now, MIN_TERM_MS);
  return term < soonest ? soonest : term;
}

/**
 * Whether an image that is refused inconclusively by what is known is to ask its registry for another
 * signature: at first, and then no more often than all others may.
 */
export function asksForAnother(attempts: number, times: ReverificationTimes): boolean {
  const { retryMs, maxRetryMs, spreadMs } = times;
  return attempts === 0 || retryMs * 2 ** attempts >= Math.min(spreadMs, maxRetryMs);
}

/**
 * When an image may ask its registry that must not do so at once: at random within the spread, so
 * that at no time more images ask than if all were alike, but those that run before those that do
 * not. `random` is in [0, 1).
 */
export function askTime(
  from: Date,
  isRunning: boolean,
  { images, running }: Share,
  random: number,
  spreadMs: number,
): Date {
  const part = images === 0 ? 0 : Math.min(running / images, 1);
  const [begin, end] = isRunning ? [0, part] : [part, 1];
  return after(from, spreadMs * (begin + (end - begin) * random));
}

function after(time: Date, ms: number): Date {
  return new Date(time.getTime() + Math.round(ms));
}
