// Integrity of a signature: trust-store-trust-policy.md, "Signature Verification > Steps", the first of them.
import { AgentError } from '../../errors.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import { verifySignature } from '../encoding/crypto.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificateChain } from '../x509/chain.ts';
import { verifyCodeSigningChain } from '../x509/code-signing.ts';
import { keyAlgorithm } from '../x509/key-algorithm.ts';
import { parseKnownCertificate } from '../x509/known-certificates.ts';
import type { SignatureClaims, SignatureEnvelope } from './envelope.ts';
import { parsePayload } from './payload.ts';

/**
 * A signature that the key of the leaf made over this target and these attributes. Whose key that
 * is, is not known before authenticity, validity and revocation have been checked.
 */
export interface VerifiedSignature extends SignatureClaims {
  /** The artifact that was signed; to be compared with the one at hand. */
  readonly target: Descriptor;
  /** One code-signing chain, leaf first; neither trusted nor known to be valid at any time. */
  readonly chain: CertificateChain;
}

/**
 * Verifies the signature of an envelope with the key of its leaf certificate, then the rules for its
 * chain, and only then reads the payload. Throws `certificate_invalid`, `algorithm_mismatch` (which
 * would be algorithm substitution), `signature_invalid`, the `certificate_*` code of a rule that the
 * chain breaks, or `payload_invalid`.
 */
export function verifyIntegrity(envelope: SignatureEnvelope): VerifiedSignature {
  const { certificates, claims, payload } = envelope;
  const parsed = certificates.map((der, index) =>
    parseKnownCertificate(
      der,
      `certificate ${index + 1} of ${certificates.length} in the envelope`,
    ),
  );
  assertSignature(envelope, parsed[0]);
  const chain = verifyCodeSigningChain(parsed);
  return { ...claims, chain, target: parsePayload(payload) };
}

function assertSignature(
  { claims, signedBytes }: SignatureEnvelope,
  leaf: Certificate | undefined,
): void {
  if (leaf === undefined) {
    throw new AgentError('certificate_chain_invalid', 'signature envelope: expected a certificate');
  }
  const algorithm = keyAlgorithm(leaf, 'signing certificate');
  if (claims.algorithm !== algorithm) {
    throw new AgentError(
      'algorithm_mismatch',
      `signature envelope: alg: expected ${algorithm} as the key of the signing certificate asks for, found ${claims.algorithm}`,
    );
  }
  const { spki } = leaf.publicKey;
  if (!verifySignature(algorithm, spki, signedBytes, claims.signatureValue)) {
    throw new AgentError(
      'signature_invalid',
      `signature envelope: expected a ${algorithm} signature by the key of the signing certificate`,
    );
  }
}
