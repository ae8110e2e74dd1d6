// When a node asks for evidence anew: around its end and after a failure, at a moment of its own.
import type { EvidenceLimits } from './limits.ts';

/** When evidence was issued, and after when it is none any more. */
export interface EvidencePeriod {
  readonly thisUpdate: Date;
  readonly validUntil: Date;
}

export type RenewalLimits = Pick<EvidenceLimits, 'renewMs' | 'lateMs' | 'failureMs'>;

/** Of a short validity, no more than this part is taken at its end, and after it. */
const PART = 1 / 4;
/** The first failure may have been a moment's. */
const FIRST_FAILURES = 4;

/**
 * Evidence ends in the same moment on every node of a cluster, and its server would be asked then by
 * all. So each asks at a moment of its own within the last part of the validity, and where that was
 * in vain, because there was nothing newer yet, at one after the end: until then its images count
 * as they were judged, but nothing is judged by what has ended. `askedAt` is when it was asked for
 * last; `random`, in [0, 1), is the node's own.
 */
export function renewalOf(
  { thisUpdate, validUntil }: EvidencePeriod,
  askedAt: Date,
  random: number,
  { renewMs, lateMs }: RenewalLimits,
): Date {
  const part = Math.max(0, validUntil.getTime() - thisUpdate.getTime()) * PART;
  const early = Math.round(validUntil.getTime() - Math.min(renewMs, part) * random);
  if (early > askedAt.getTime()) return new Date(early);
  return new Date(validUntil.getTime() + 1 + Math.min(lateMs, part) * random);
}

/**
 * How long whoever is in no hurry leaves a server alone that failed so often in a row: a minute at most,
 * and then never so short that the nodes of a cluster ask more often than they renew. `random` is in [0, 1).
 */
export function patienceMs(
  failures: number,
  random: number,
  { failureMs, lateMs }: RenewalLimits,
): number {
  return failures > 1 ? lateMs * (1 + random) : failureMs * FIRST_FAILURES * (1 - random / 2);
}
