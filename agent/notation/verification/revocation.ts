// Revocation, as far as it can be told without asking anybody.
import { AgentError } from '../../errors.ts';
import type { CertificateChain } from '../x509/chain.ts';

/**
 * A chain in which no certificate names a responder or a list cannot be revoked and passes. Asking
 * responders and fetching lists is not done, so any other chain is inconclusive rather than good.
 * The root is not looked at: trust in it is withdrawn by taking it out of the trust store.
 */
export function verifyRevocation(chain: CertificateChain): string {
  const revocable = chain
    .slice(0, Math.max(1, chain.length - 1))
    .find(({ extensions }) => extensions.namesOcsp || extensions.namesCrl);
  if (revocable === undefined) return 'no certificate of the chain can be revoked';
  throw new AgentError(
    'revocation_unsupported',
    `certificate ${revocable.subject.text}: expected one that names no OCSP responder or CRL, because revocation cannot be checked by this version; override revocation in the policy statement to log or skip to accept it unchecked`,
  );
}
