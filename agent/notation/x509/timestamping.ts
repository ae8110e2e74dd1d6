// Chains of timestamping authorities: signature-specification.md, "Certificate Requirements", and
// RFC 3161 section 2.3 with RFC 5280.
import type { Certificate } from './certificate.ts';
import { type CertificateChain, verifyChain } from './chain.ts';
import {
  assertCa,
  assertIssuingUsage,
  assertNoCa,
  assertPathLength,
  assertSigningKey,
  assertSigningUsage,
  broken,
} from './place.ts';

const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const ANY_PURPOSE = '2.5.29.37.0';
const NAME_CONSTRAINTS = '2.5.29.30';

/**
 * Extensions that may be critical and still pass without having been evaluated: what they say could
 * not make this chain unacceptable. Policies do not matter to a verifier who asks for none, a
 * subject alternative name says who else the authority is, and distribution points are followed by
 * revocation.
 */
const HARMLESS: ReadonlyMap<string, string> = new Map([
  ['2.5.29.17', 'subject alternative name'],
  ['2.5.29.31', 'CRL distribution points'],
  ['2.5.29.32', 'certificate policies'],
]);

/**
 * Checks that certificates are one chain of a timestamping authority, leaf first; `verifyChain` says
 * what is not checked. Unlike code signing, where other extensions must not be evaluated, such a
 * chain is held to RFC 5280: an unknown critical extension refuses it, and so do name constraints,
 * which are not evaluated. Key usage need not be critical. Throws the `certificate_*` code of the
 * rule that is broken.
 */
export function verifyTimestampingChain(certificates: readonly Certificate[]): CertificateChain {
  return verifyChain(certificates, { assertLeaf, assertCa: assertTimestampingCa });
}

function assertLeaf(certificate: Certificate): void {
  assertNoCa(certificate);
  assertSigningUsage(certificate);
  assertOnlyTimestamping(certificate);
  assertSigningKey(certificate);
  assertKnownExtensions(certificate);
}

function assertTimestampingCa(certificate: Certificate, below: number): void {
  assertCa(certificate);
  assertPathLength(certificate, below);
  assertIssuingUsage(certificate);
  assertMayIssueTimestamping(certificate);
  assertKnownExtensions(certificate);
}

/** RFC 3161 section 2.3: this purpose alone, critical, so that the key cannot be used for else. */
function assertOnlyTimestamping(certificate: Certificate): void {
  const { extendedKeyUsage } = certificate.extensions;
  if (extendedKeyUsage?.purposes.size !== 1 || !extendedKeyUsage.purposes.has(TIME_STAMPING)) {
    throw broken(
      'certificate_extended_key_usage_not_timestamping',
      certificate,
      'the extended key usage of a timestamping authority must be timeStamping and nothing else',
    );
  }
  if (!extendedKeyUsage.critical) {
    throw broken(
      'certificate_extended_key_usage_not_critical',
      certificate,
      'the extended key usage of a timestamping authority must be critical',
    );
  }
}

/** A CA that has purposes passes on no others: the common reading, which notation-go shares. */
function assertMayIssueTimestamping(certificate: Certificate): void {
  const purposes = certificate.extensions.extendedKeyUsage?.purposes;
  if (purposes === undefined || purposes.has(TIME_STAMPING) || purposes.has(ANY_PURPOSE)) return;
  throw broken(
    'certificate_extended_key_usage_not_timestamping',
    certificate,
    'the extended key usage of a CA, where it has one, must have timeStamping',
  );
}

/** RFC 5280 section 4.2: what is critical and not understood MUST cause rejection. */
function assertKnownExtensions(certificate: Certificate): void {
  for (const { oid, critical } of certificate.extensions.others) {
    if (oid === NAME_CONSTRAINTS || (critical && !HARMLESS.has(oid))) {
      throw broken(
        'certificate_extension_unsupported',
        certificate,
        `it must have no critical extension that is not understood and no name constraints, found ${oid}`,
      );
    }
  }
}
