// A certificate chain and who issued what in it: signature-specification.md, "Certificate
// Requirements > Other requirements".
import { AgentError, type ErrorCode } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { Certificate } from './certificate.ts';
import { isIssuedBy, isSelfSigned } from './issuance.ts';

/** Chains have two to four certificates; each more costs a signature check that an attacker orders. */
export const MAX_CHAIN_LENGTH = 10;

/** Leaf first. */
export type CertificateChain = readonly [Certificate, ...Certificate[]];

/** What certificates must be by their place in a chain. */
export interface ChainRules {
  readonly assertLeaf: (leaf: Certificate) => void;
  /** `below` counts the CA certificates between this one and the leaf. */
  readonly assertCa: (ca: Certificate, below: number) => void;
}

/**
 * Checks that certificates are one chain, ordered from leaf to root: every certificate is what the
 * rules ask for its place, is signed by the next, and the last by itself. One certificate alone is a
 * self-signed leaf. Returns the same certificates.
 *
 * Not checked: validity (it depends on a time that is not known here), revocation, and trust: until
 * a certificate of it is found in a trust store, a chain proves nothing about who signed. Validity
 * periods need not nest ("Other requirements" 5).
 *
 * Throws `certificate_chain_invalid` (none or too many), `certificate_not_self_signed`,
 * `certificate_self_signed`, `certificate_not_issued_by_next`, what `isIssuedBy` throws, and what
 * the rules throw.
 */
export function verifyChain(
  certificates: readonly Certificate[],
  rules: ChainRules,
): CertificateChain {
  const [leaf, ...issuers] = certificates;
  if (leaf === undefined || certificates.length > MAX_CHAIN_LENGTH) {
    throw invalid(
      'certificate_chain_invalid',
      `expected 1 to ${MAX_CHAIN_LENGTH} certificates, found ${certificates.length}`,
    );
  }
  // What each certificate says costs nothing to check; signatures do, so they come after.
  rules.assertLeaf(leaf);
  for (const [below, issuer] of issuers.entries()) rules.assertCa(issuer, below);
  let certificate = leaf;
  for (const issuer of issuers) {
    assertIssuedByNext(certificate, issuer);
    certificate = issuer;
  }
  if (!isSelfSigned(certificate)) {
    throw invalid(
      'certificate_not_self_signed',
      `expected its last certificate to be self-signed, found ${name(certificate)}`,
    );
  }
  return [leaf, ...issuers];
}

function assertIssuedByNext(certificate: Certificate, issuer: Certificate): void {
  // A second root in the middle would pass as issued by a twin with the same name and key.
  if (isSelfSigned(certificate)) {
    throw invalid(
      'certificate_self_signed',
      `expected only its last certificate to be self-signed, found ${name(certificate)}`,
    );
  }
  if (!isIssuedBy(certificate, issuer)) {
    throw invalid(
      'certificate_not_issued_by_next',
      `expected ${name(certificate)} to be issued by ${name(issuer)}`,
    );
  }
}

function name(certificate: Certificate): string {
  return show(certificate.subject.text);
}

function invalid(code: ErrorCode, fault: string): AgentError {
  return new AgentError(code, `certificate chain: ${fault}`);
}
