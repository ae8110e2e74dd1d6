// Revocation of an anchored chain: trust-store-trust-policy.md, "Certificate Revocation Evaluation".
import { verifyRevocations } from '../revocation/chain-revocation.ts';
import type { CertificateChain } from '../x509/chain.ts';
import type { Evidence } from './evidence.ts';

/**
 * No certificate of the chain may have been revoked, and that has to be known of each but the root:
 * trust in that one is withdrawn by taking it out of the trust store. Evidence is asked for only if
 * a certificate names who has it; `anchored` gives it, or throws for a chain that is not anchored.
 * Throws `certificate_revoked` and the codes `revocation_*`.
 */
export async function verifyRevocation(
  chain: CertificateChain,
  anchored: () => Evidence,
  authenticSigningTime?: Date,
): Promise<string> {
  const issued = chain.slice(0, -1);
  const isRevocable = issued.some(
    ({ extensions: { namesOcsp, namesCrl } }) => namesOcsp || namesCrl,
  );
  if (isRevocable) {
    return verifyRevocations(await anchored().revocation(chain, authenticSigningTime));
  }
  return verifyRevocations(
    issued.map((certificate) => ({ certificate, status: { kind: 'not_revocable' } })),
  );
}
