// Timestamp countersignatures: trust-store-trust-policy.md, "Signature Verification > Steps", authenticTimestamp.
import { AgentError } from '../../errors.ts';
import { hash } from '../encoding/crypto.ts';
import type { DerElement } from '../encoding/der.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { CertificateChain } from '../x509/chain.ts';
import { findTimestampingPath } from './path.ts';
import { assertSigned, parseSignerInfo } from './signer-info.ts';
import { findSigningCertificate } from './signing-certificate.ts';
import { parseTimestampToken, type TimestampToken, TOKEN } from './token.ts';

/** A time that a trusted authority vouches for: the signature existed by then. */
export interface VerifiedTimestamp {
  readonly time: Date;
  /** The true time is at most this far from `time`, either way. Microseconds are fractions. */
  readonly accuracyMs: number;
  /** Of the authority, leaf first, to a certificate of a trust store of type tsa. Revocation is not checked. */
  readonly chain: CertificateChain;
}

/**
 * Verifies a TimeStampToken over a primitive signature: its structure, that it is about this
 * signature, and that one of its signers has a path to `trusted` (the certificates of all trust
 * stores of type tsa) at the time that it states. Nonce, serial number, order, and the authority's
 * name are not checked, nor the hash of the imprint compared with that of the signature's algorithm.
 *
 * Revocation of the authority's chain is for the caller to check, and whether the time is one at
 * which the signing certificates were valid (`assertValidAtTimestamp`).
 *
 * Throws `timestamp_missing`, `timestamp_invalid`, `timestamp_mismatch`, `timestamp_untrusted`,
 * `algorithm_unsupported`, or the `certificate_*` code of a rule that the authority's chain breaks.
 */
export function verifyTimestamp(
  token: Uint8Array | undefined,
  signatureValue: Uint8Array,
  trusted: readonly Certificate[],
): VerifiedTimestamp {
  if (token === undefined) {
    throw new AgentError(
      'timestamp_missing',
      'signature envelope: expected a timestamp countersignature, found none',
    );
  }
  const parsed = parseTimestampToken(token);
  const { imprint, imprintHash, time, accuracyMs } = parsed.info;
  if (Buffer.compare(hash(imprintHash, signatureValue), imprint) !== 0) {
    throw new AgentError(
      'timestamp_mismatch',
      `${TOKEN}: expected the ${imprintHash} digest of this signature, found another`,
    );
  }
  return { time, accuracyMs, chain: verifyAnySigner(parsed, trusted) };
}

/** Each signer stands alone: one that is good is enough. */
function verifyAnySigner(token: TimestampToken, trusted: readonly Certificate[]): CertificateChain {
  const errors: AgentError[] = [];
  for (const signer of token.signers) {
    try {
      return verifySigner(signer, token, trusted);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      errors.push(error);
    }
  }
  const [first, ...others] = errors;
  if (first === undefined) throw new TypeError('a token without signers has been parsed');
  if (others.length === 0) throw first;
  throw new AgentError(first.code, `none of ${errors.length} signers is good: ${first.message}`, {
    cause: first,
    faults: errors.flatMap(({ message, faults }) => (faults.length === 0 ? [message] : faults)),
  });
}

function verifySigner(
  element: DerElement,
  { content, certificates, info }: TimestampToken,
  trusted: readonly Certificate[],
): CertificateChain {
  const signerInfo = parseSignerInfo(element);
  const { signer, attributes } = signerInfo;
  const certificate = findSigningCertificate(certificates, signer, attributes.signingCertificate);
  assertSigned(signerInfo, content, certificate);
  const { signingTime = info.time } = attributes;
  return findTimestampingPath(certificate, {
    trusted,
    untrusted: certificates,
    times: [info.time, signingTime],
  });
}
