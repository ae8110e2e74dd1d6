// The code-signing certificate chain of an envelope: signature-specification.md, "Certificate Requirements > Other requirements".
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { Certificate } from './certificate.ts';
import { assertCodeSigningCa, assertCodeSigningLeaf } from './code-signing.ts';
import { isIssuedBy, isSelfSigned } from './issuance.ts';

/** Chains have two to four certificates; each more costs a signature check that an attacker orders. */
export const MAX_CHAIN_LENGTH = 10;

/** Leaf first. */
export type CertificateChain = readonly [Certificate, ...Certificate[]];

/**
 * Checks that certificates are one code-signing chain, ordered from leaf to root: every certificate
 * is what its place asks for, is signed by the next, and the last by itself. One certificate alone
 * is a self-signed leaf. Returns the same certificates.
 *
 * Not checked: validity (it depends on a time that is not known here), revocation, and trust: until
 * a certificate of it is found in a trust store, a chain proves nothing about who signed. Validity
 * periods need not nest ("Other requirements" 5).
 *
 * Throws `certificate_chain_invalid`, `certificate_invalid` or `algorithm_unsupported`.
 */
export function verifyCodeSigningChain(certificates: readonly Certificate[]): CertificateChain {
  const [leaf, ...issuers] = certificates;
  if (leaf === undefined) throw invalid('expected at least one certificate, found none');
  if (certificates.length > MAX_CHAIN_LENGTH) {
    throw invalid(
      `expected at most ${MAX_CHAIN_LENGTH} certificates, found ${certificates.length}`,
    );
  }
  // What each certificate says costs nothing to check; signatures do, so they come after.
  assertCodeSigningLeaf(leaf);
  for (const [below, issuer] of issuers.entries()) assertCodeSigningCa(issuer, below);
  let certificate = leaf;
  for (const issuer of issuers) {
    assertIssuedByNext(certificate, issuer);
    certificate = issuer;
  }
  if (!isSelfSigned(certificate)) {
    throw invalid(`expected its last certificate to be self-signed, found ${name(certificate)}`);
  }
  return [leaf, ...issuers];
}

function assertIssuedByNext(certificate: Certificate, issuer: Certificate): void {
  // A second root in the middle would pass as issued by a twin with the same name and key.
  if (isSelfSigned(certificate)) {
    throw invalid(
      `expected only its last certificate to be self-signed, found ${name(certificate)}`,
    );
  }
  if (!isIssuedBy(certificate, issuer)) {
    throw invalid(`expected ${name(certificate)} to be issued by ${name(issuer)}`);
  }
}

function name(certificate: Certificate): string {
  return show(certificate.subject.text);
}

function invalid(fault: string): AgentError {
  return new AgentError('certificate_chain_invalid', `certificate chain: ${fault}`);
}
