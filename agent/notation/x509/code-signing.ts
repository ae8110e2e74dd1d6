// What each certificate of a code-signing chain must be: signature-specification.md, "Certificate Requirements".
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { Certificate } from './certificate.ts';
import type { KeyUsage } from './extensions.ts';
import { keyAlgorithm } from './key-algorithm.ts';

/** "Leaf Certificates" 2: the key signs artifacts and does nothing else. */
const FORBIDDEN_LEAF_USAGES: readonly KeyUsage[] = [
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

/**
 * "Leaf Certificates" 3. notation-go lets anyExtendedKeyUsage pass, which the specification
 * forbids; the specification does not name OCSPSigning, which notation-go forbids. Both are refused.
 */
const FORBIDDEN_LEAF_PURPOSES: ReadonlyMap<string, string> = new Map([
  ['2.5.29.37.0', 'anyExtendedKeyUsage'],
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  ['1.3.6.1.5.5.7.3.8', 'timeStamping'],
  ['1.3.6.1.5.5.7.3.9', 'OCSPSigning'],
]);

/**
 * Checks a certificate whose key signed an artifact. Throws `certificate_invalid` naming the rule,
 * or `algorithm_unsupported` for its key.
 */
export function assertCodeSigningLeaf(certificate: Certificate): void {
  const { basicConstraints, extendedKeyUsage } = certificate.extensions;
  if (basicConstraints?.ca === true) {
    throw invalid(certificate, 'a leaf must not be a CA (basic constraints)');
  }
  const usages = assertCriticalKeyUsage(certificate);
  if (!usages.has('digitalSignature')) {
    throw invalid(certificate, 'the key usage of a leaf must have digitalSignature');
  }
  for (const usage of FORBIDDEN_LEAF_USAGES) {
    if (usages.has(usage))
      throw invalid(certificate, `the key usage of a leaf must not have ${usage}`);
  }
  for (const [oid, purpose] of FORBIDDEN_LEAF_PURPOSES) {
    if (extendedKeyUsage?.purposes.has(oid) === true) {
      throw invalid(certificate, `the extended key usage of a leaf must not have ${purpose}`);
    }
  }
  keyAlgorithm(certificate, `certificate ${show(certificate.subject.text)}`);
}

/**
 * Checks a CA with `below` CA certificates between it and the leaf. Throws `certificate_invalid`
 * naming the rule. notation-go does not ask for critical basic constraints; the specification does.
 */
export function assertCodeSigningCa(certificate: Certificate, below: number): void {
  const { basicConstraints } = certificate.extensions;
  if (basicConstraints === undefined) {
    throw invalid(certificate, 'a CA must have basic constraints');
  }
  if (!basicConstraints.critical) {
    throw invalid(certificate, 'the basic constraints of a CA must be critical');
  }
  if (!basicConstraints.ca) {
    throw invalid(certificate, 'an issuing certificate must be a CA (basic constraints)');
  }
  const { pathLength } = basicConstraints;
  if (pathLength !== undefined && pathLength < below) {
    throw invalid(certificate, `its path length ${pathLength} must not be less than ${below}`);
  }
  if (!assertCriticalKeyUsage(certificate).has('keyCertSign')) {
    throw invalid(certificate, 'the key usage of a CA must have keyCertSign');
  }
}

function assertCriticalKeyUsage(certificate: Certificate): ReadonlySet<KeyUsage> {
  const { keyUsage } = certificate.extensions;
  if (keyUsage === undefined) throw invalid(certificate, 'it must have a key usage');
  if (!keyUsage.critical) throw invalid(certificate, 'its key usage must be critical');
  return keyUsage.usages;
}

function invalid(certificate: Certificate, rule: string): AgentError {
  return new AgentError(
    'certificate_invalid',
    `certificate ${show(certificate.subject.text)}: ${rule}`,
  );
}
