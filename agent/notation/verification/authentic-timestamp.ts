// Authentic timestamp: trust-store-trust-policy.md, "Signature Verification > Steps", authenticTimestamp.
import type { VerifiedSignature } from '../signature/integrity.ts';
import { verifyTimestamp } from '../timestamp/timestamp.ts';
import { assertValidAtTimestamp, needsTimestamp } from '../timestamp/validity.ts';
import type { Statement } from '../trustpolicy/statement.ts';
import { trustStoreType } from '../trustpolicy/trust-store-name.ts';
import { storesOfType, type TrustStore } from './authenticity.ts';
import type { Evidence } from './evidence.ts';
import { verifyRevocation } from './revocation.ts';
import { verifyValidAt } from './validity.ts';
import { isoTime } from '../../utc.ts';

/** What the time of a signature is held against. */
export interface TimestampContext {
  readonly statement: Statement;
  readonly trust: readonly TrustStore[];
  readonly now: Date;
}

/**
 * The chain has to be valid at the time that counts: that of a signing authority, that of a
 * timestamp countersignature where the statement asks for one, otherwise now. `anchored` gives the
 * evidence, or throws for a chain that is not anchored: the authority of its timestamp is asked for
 * nothing. The revocation of the authority's chain is always checked, whatever the statement says of
 * revocation. Throws the codes `timestamp_*`, `certificate_*`, `revocation_*` and `truststore_*`.
 */
export async function verifyAuthenticTimestamp(
  signature: VerifiedSignature,
  { statement, trust, now }: TimestampContext,
  anchored: () => Evidence,
): Promise<string> {
  const { chain, signingScheme, signingTime, timestampToken, signatureValue } = signature;
  // Countersignatures are for the other scheme: here the signer itself is the authority on time.
  if (signingScheme === 'notary.x509.signingAuthority') return verifyValidAt(chain, signingTime);
  const { verifyTimestamp: when } = statement.signatureVerification;
  const hasTsaStore = statement.trustStores.some((name) => trustStoreType(name) === 'tsa');
  if (!needsTimestamp({ verifyTimestamp: when, hasTsaStore, chain, now })) {
    return verifyValidAt(chain, now);
  }
  const authorities = storesOfType(trust, 'tsa').flatMap(({ certificates }) => certificates);
  const timestamp = verifyTimestamp(timestampToken, signatureValue, authorities);
  assertValidAtTimestamp(timestamp, chain);
  const revocations = await verifyRevocation(timestamp.chain, anchored);
  const { time, accuracyMs } = timestamp;
  const [authority] = timestamp.chain;
  return `every certificate of the chain was valid at ${isoTime(time)} ± ${accuracyMs} ms, says ${authority.subject.text} (${revocations})`;
}
