// Whether the signature and its certificates are, or were, valid at the time that counts.
import { AgentError } from '../../errors.ts';
import type { VerifiedSignature } from '../signature/integrity.ts';
import type { Certificate } from '../x509/certificate.ts';

/** trust-store-trust-policy.md, "expiry": fails from the moment of expiry on. */
export function verifyExpiry({ expiry }: VerifiedSignature, now: Date): string {
  if (expiry === undefined) return 'the signature does not expire';
  if (now.getTime() < expiry.getTime()) return `the signature expires at ${expiry.toISOString()}`;
  throw new AgentError(
    'signature_expired',
    `signature: expected one that has not expired at ${now.toISOString()}, found expiry ${expiry.toISOString()}`,
  );
}

/**
 * trust-store-trust-policy.md, "authenticTimestamp". Under the signing authority's scheme the time
 * that it vouches for counts, otherwise now: timestamp countersignatures are not verified, and a
 * policy that asks for them is refused before it comes to this.
 */
export function verifyValidity(signature: VerifiedSignature, now: Date): string {
  const { chain, signingScheme, signingTime } = signature;
  const at = signingScheme === 'notary.x509.signingAuthority' ? signingTime : now;
  for (const certificate of chain) assertValidAt(certificate, at);
  return `every certificate of the chain is valid at ${at.toISOString()}`;
}

function assertValidAt({ subject, notBefore, notAfter }: Certificate, at: Date): void {
  if (notBefore <= at && at <= notAfter) return;
  throw new AgentError(
    'certificate_expired',
    `certificate ${subject.text}: expected one valid at ${at.toISOString()}, found ${notBefore.toISOString()} to ${notAfter.toISOString()}`,
  );
}
