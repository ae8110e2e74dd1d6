// Whether the signature and its certificates are, or were, valid at the time that counts.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { VerifiedSignature } from '../signature/integrity.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificateChain } from '../x509/chain.ts';
import { isoTime } from '../../utc.ts';

/** trust-store-trust-policy.md, "expiry": fails from the moment of expiry on. */
export function verifyExpiry({ expiry }: VerifiedSignature, now: Date): string {
  if (expiry === undefined) return 'the signature does not expire';
  if (now.getTime() < expiry.getTime()) return `the signature expires at ${isoTime(expiry)}`;
  throw new AgentError(
    'signature_expired',
    `signature: expected one that has not expired at ${isoTime(now)}, found expiry ${isoTime(expiry)}`,
  );
}

/** Every certificate of the chain has to be valid at one time. Throws `certificate_expired`. */
export function verifyValidAt(chain: CertificateChain, at: Date): string {
  for (const certificate of chain) assertValidAt(certificate, at);
  return `every certificate of the chain is valid at ${isoTime(at)}`;
}

function assertValidAt({ subject, notBefore, notAfter }: Certificate, at: Date): void {
  if (notBefore <= at && at <= notAfter) return;
  throw new AgentError(
    'certificate_expired',
    `certificate ${show(subject.text)}: expected one valid at ${isoTime(at)}, found ${isoTime(notBefore)} to ${isoTime(notAfter)}`,
  );
}
