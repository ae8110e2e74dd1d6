// The revocation of a whole chain: trust-store-trust-policy.md, "Certificate Revocation Evaluation".
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { CertificateRevocation, RevocationStatus } from './status.ts';
import { isoTime } from '../../utc.ts';

const NAMES = { ocsp: 'OCSP', crl: 'CRL' } as const;

/**
 * Asserts that no certificate has been revoked and that this is known of each, and gives a sentence
 * on what was seen. Throws `certificate_revoked` when one has been, whatever is unknown of others,
 * or else the error of the first that is unknown.
 */
export function verifyRevocations(revocations: readonly CertificateRevocation[]): string {
  for (const { certificate, status } of revocations) {
    if (status.kind !== 'revoked') continue;
    const found = `one revoked at ${isoTime(status.at)} (${NAMES[status.source]})`;
    throw new AgentError(
      'certificate_revoked',
      `certificate ${show(certificate.subject.text)}: expected one that is not revoked, found ${found}`,
    );
  }
  const seen = new Map<string, number>();
  for (const { status } of revocations) {
    if (status.kind === 'unknown') throw status.error;
    const how = status.kind === 'good' ? `good by ${meansOf(status)}` : 'cannot be revoked';
    seen.set(how, (seen.get(how) ?? 0) + 1);
  }
  if (seen.size === 0) return 'the chain is its own root, which cannot be revoked';
  const parts = [...seen].map(([how, count]) => `${count} ${how}`);
  return `certificates of the chain below the root: ${parts.join(', ')}`;
}

/** Of what was carried in, how old it is: newer may be out. */
function meansOf({ source, carriedOf }: Extract<RevocationStatus, { kind: 'good' }>): string {
  const age = carriedOf === undefined ? '' : ` (carried in, of ${isoTime(carriedOf)})`;
  return NAMES[source] + age;
}
