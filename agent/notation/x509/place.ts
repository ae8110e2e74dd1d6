// What a certificate must be to stand in a chain as leaf or as CA, whatever the chain is for:
// signature-specification.md, "Certificate Requirements". One guard for each rule.
import { AgentError, type ErrorCode } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { Certificate } from './certificate.ts';
import type { CertificateExtensions, KeyUsage } from './extensions.ts';
import { keyAlgorithm } from './key-algorithm.ts';

/** "Leaf Certificates" 2: the key signs artifacts, or timestamps, and does nothing else. */
const FORBIDDEN_LEAF_USAGES: readonly KeyUsage[] = [
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

/** "Leaf Certificates" 1. Throws `certificate_leaf_is_ca`. */
export function assertNoCa(certificate: Certificate): void {
  if (certificate.extensions.basicConstraints?.ca === true) {
    throw broken('certificate_leaf_is_ca', certificate, 'a leaf must not be a CA');
  }
}

/**
 * "Leaf Certificates" 2. Throws `certificate_key_usage_missing`, `certificate_key_usage_insufficient`
 * or `certificate_key_usage_forbidden`.
 */
export function assertSigningUsage(certificate: Certificate): void {
  const { usages } = keyUsageOf(certificate);
  assertUsage(certificate, usages, 'digitalSignature');
  for (const usage of FORBIDDEN_LEAF_USAGES) {
    if (usages.has(usage)) {
      throw broken(
        'certificate_key_usage_forbidden',
        certificate,
        `the key usage of a leaf must not have ${usage}`,
      );
    }
  }
}

/** "Intermediate/Root CA Certificates" 2. Throws `certificate_key_usage_missing` or `certificate_key_usage_insufficient`. */
export function assertIssuingUsage(certificate: Certificate): void {
  assertUsage(certificate, keyUsageOf(certificate).usages, 'keyCertSign');
}

/** Throws `certificate_key_usage_missing` or `certificate_key_usage_not_critical`. */
export function assertKeyUsageCritical(certificate: Certificate): void {
  if (keyUsageOf(certificate).critical) return;
  throw broken('certificate_key_usage_not_critical', certificate, 'its key usage must be critical');
}

/** "Leaf Certificates" 4: size and curve. Throws `certificate_key_unsupported`. */
export function assertSigningKey(certificate: Certificate): void {
  keyAlgorithm(certificate, `certificate ${show(certificate.subject.text)}`);
}

/**
 * "Intermediate/Root CA Certificates" 1. notation-go does not ask for critical basic constraints;
 * the specification does. Throws `certificate_basic_constraints_missing`,
 * `certificate_basic_constraints_not_critical` or `certificate_not_ca`.
 */
export function assertCa(certificate: Certificate): void {
  const { basicConstraints } = certificate.extensions;
  if (basicConstraints === undefined) {
    throw broken(
      'certificate_basic_constraints_missing',
      certificate,
      'a CA must have basic constraints',
    );
  }
  if (!basicConstraints.critical) {
    throw broken(
      'certificate_basic_constraints_not_critical',
      certificate,
      'the basic constraints of a CA must be critical',
    );
  }
  if (!basicConstraints.ca) {
    throw broken('certificate_not_ca', certificate, 'an issuing certificate must be a CA');
  }
}

/**
 * RFC 5280 4.2.1.9, but counting self-issued certificates too, as notation-go does. `below` counts
 * the CA certificates between this one and the leaf. Throws `certificate_path_length_exceeded`.
 */
export function assertPathLength(certificate: Certificate, below: number): void {
  const pathLength = certificate.extensions.basicConstraints?.pathLength;
  if (pathLength === undefined || pathLength >= below) return;
  throw broken(
    'certificate_path_length_exceeded',
    certificate,
    `its path length ${pathLength} must not be less than ${below}, the CAs below it`,
  );
}

/** The error of a rule that a certificate breaks: names both. */
export function broken(code: ErrorCode, certificate: Certificate, rule: string): AgentError {
  return new AgentError(code, `certificate ${show(certificate.subject.text)}: ${rule}`);
}

function keyUsageOf(certificate: Certificate): NonNullable<CertificateExtensions['keyUsage']> {
  const { keyUsage } = certificate.extensions;
  if (keyUsage !== undefined) return keyUsage;
  throw broken('certificate_key_usage_missing', certificate, 'it must have a key usage');
}

function assertUsage(
  certificate: Certificate,
  usages: ReadonlySet<KeyUsage>,
  usage: 'digitalSignature' | 'keyCertSign',
): void {
  if (usages.has(usage)) return;
  throw broken(
    'certificate_key_usage_insufficient',
    certificate,
    `its key usage must have ${usage}`,
  );
}
