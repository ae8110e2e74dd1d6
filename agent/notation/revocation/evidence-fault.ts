// The faults for which an OCSP response or a CRL is not used.
import { AgentError } from '../../errors.ts';
import { MAX_CLOCK_SKEW_MS } from './status.ts';
import { isoTime } from '../../utc.ts';

/** An OCSP response or CRL that cannot be relied on; `fault` says what was expected and found. */
export function invalidEvidence(what: string, fault: string, cause?: unknown): AgentError {
  return new AgentError('revocation_evidence_invalid', `${what}: ${fault}`, { cause });
}

/**
 * Runs a verification of evidence. Whatever is wrong with it, a certificate in it or an algorithm
 * for instance, comes out with a code of revocation: it says nothing on the signature at hand.
 */
export function verifyingEvidence<T>(what: string, verify: () => T): T {
  try {
    return verify();
  } catch (error) {
    if (!(error instanceof AgentError) || error.code.startsWith('revocation_')) throw error;
    throw invalidEvidence(what, error.message, error);
  }
}

/** When evidence was true: from `thisUpdate` until `nextUpdate`. */
export interface EvidenceTimes {
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
}

/**
 * Asserts that evidence is neither from the future, beyond the skew of clocks, nor out of date.
 * RFC 6960 4.2.2.1 and RFC 5280 5.1.2.5 both say that after nextUpdate something newer is there,
 * which an attacker may be withholding. Throws `revocation_evidence_invalid`.
 */
export function assertTimely(
  { thisUpdate, nextUpdate }: EvidenceTimes,
  now: Date,
  what: string,
): void {
  assertPast(thisUpdate, now, `${what}: this update`);
  if (nextUpdate.getTime() >= now.getTime()) return;
  throw invalidEvidence(
    what,
    `expected a next update not before ${isoTime(now)}, found ${isoTime(nextUpdate)}`,
  );
}

/** Asserts that a time is not in the future, beyond the skew of clocks. */
export function assertPast(time: Date, now: Date, what: string): void {
  if (time.getTime() <= now.getTime() + MAX_CLOCK_SKEW_MS) return;
  throw invalidEvidence(what, `expected a time not after ${isoTime(now)}, found ${isoTime(time)}`);
}
