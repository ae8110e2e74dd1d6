// Code-signing chains: signature-specification.md, "Certificate Requirements".
import type { Certificate } from './certificate.ts';
import { type CertificateChain, verifyChain } from './chain.ts';
import {
  assertCa,
  assertIssuingUsage,
  assertKeyUsageCritical,
  assertNoCa,
  assertPathLength,
  assertSigningKey,
  assertSigningUsage,
  broken,
} from './place.ts';

/**
 * "Leaf Certificates" 3. notation-go lets anyExtendedKeyUsage pass, which the specification
 * forbids; the specification does not name OCSPSigning, which notation-go forbids. Both are refused.
 */
const FORBIDDEN_PURPOSES: ReadonlyMap<string, string> = new Map([
  ['2.5.29.37.0', 'anyExtendedKeyUsage'],
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
  ['1.3.6.1.5.5.7.3.9', 'OCSPSigning'],
]);

/**
 * Checks that certificates are one code-signing chain, leaf first; `verifyChain` says what is not
 * checked. Throws the `certificate_*` code of the rule that is broken.
 */
export function verifyCodeSigningChain(certificates: readonly Certificate[]): CertificateChain {
  return verifyChain(certificates, { assertLeaf, assertCa: assertCodeSigningCa });
}

function assertLeaf(certificate: Certificate): void {
  assertNoCa(certificate);
  assertKeyUsageCritical(certificate);
  assertSigningUsage(certificate);
  assertPurposes(certificate);
  assertSigningKey(certificate);
}

function assertCodeSigningCa(certificate: Certificate, below: number): void {
  assertCa(certificate);
  assertPathLength(certificate, below);
  assertKeyUsageCritical(certificate);
  assertIssuingUsage(certificate);
}

function assertPurposes(certificate: Certificate): void {
  const { extendedKeyUsage } = certificate.extensions;
  for (const [oid, purpose] of FORBIDDEN_PURPOSES) {
    if (extendedKeyUsage?.purposes.has(oid) === true) {
      throw broken(
        'certificate_extended_key_usage_forbidden',
        certificate,
        `the extended key usage of a leaf must not have ${purpose}`,
      );
    }
  }
}
