// What a timestamp says about the signing certificates: trust-store-trust-policy.md, "Signature
// Verification > Steps", authenticTimestamp.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { VerifyTimestamp } from '../trustpolicy/level.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { VerifiedTimestamp } from './timestamp.ts';
import { isoTime } from '../../utc.ts';

/** What decides whether a timestamp is asked for; under the scheme `notary.x509` only. */
export interface TimestampNeed {
  readonly verifyTimestamp: VerifyTimestamp;
  /** The policy statement names a trust store of type tsa. */
  readonly hasTsaStore: boolean;
  /** Of the signing certificate. */
  readonly chain: readonly Certificate[];
  readonly now: Date;
}

/**
 * Tells whether the signature must have a timestamp countersignature, also while its certificates
 * are fresh: always if a trust store of type tsa is named, unless the policy statement wants it only
 * once a certificate has expired. If not, every certificate must be valid now; one that is not valid
 * yet makes no timestamp needed.
 */
export function needsTimestamp({
  verifyTimestamp,
  hasTsaStore,
  chain,
  now,
}: TimestampNeed): boolean {
  if (!hasTsaStore) return false;
  switch (verifyTimestamp) {
    case 'always':
      return true;
    case 'afterCertExpiry':
      return chain.some(({ notAfter }) => notAfter < now);
  }
}

/**
 * Checks that every certificate of the signing chain was valid during the whole of the time that the
 * timestamp may mean, both ends included. Throws `certificate_expired`.
 */
export function assertValidAtTimestamp(
  { time, accuracyMs }: Pick<VerifiedTimestamp, 'time' | 'accuracyMs'>,
  chain: readonly Certificate[],
): void {
  const earliest = time.getTime() - accuracyMs;
  const latest = time.getTime() + accuracyMs;
  for (const { subject, notBefore, notAfter } of chain) {
    if (notBefore.getTime() <= earliest && latest <= notAfter.getTime()) continue;
    throw new AgentError(
      'certificate_expired',
      `certificate ${show(subject.text)}: expected one valid at the time of its timestamp, ${isoTime(time)} ± ${accuracyMs} ms, found ${isoTime(notBefore)} to ${isoTime(notAfter)}`,
    );
  }
}
