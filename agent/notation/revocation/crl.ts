// What a CRL, and its delta, prove about one certificate (RFC 5280 6.3.3).
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import { verifyCertificateSignature } from '../encoding/crypto.ts';
import { toSignatureAlgorithm } from '../x509/algorithm-identifier.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type CertificateList, parseCertificateList } from './certificate-list.ts';
import type { CrlEntry } from './crl-entry.ts';
import {
  assertTimely,
  type EvidenceTimes,
  invalidEvidence,
  verifyingEvidence,
} from './evidence-fault.ts';
import { assertCovered } from './issuing-distribution-point.ts';
import { isSignedBefore } from './signing-time.ts';
import type { IssuedCertificate, RevocationStatus } from './status.ts';

/** A CRL that its issuer has signed, for a time that includes the `now` of its verification. */
export type VerifiedList = CertificateList & EvidenceTimes;

/**
 * Verifies that bytes are a CRL, complete or delta, that `issuer` itself has signed and may sign,
 * neither from the future nor out of date. What it covers is not checked. Throws
 * `revocation_evidence_invalid`.
 */
export function verifyCrl(
  bytes: Uint8Array,
  issuer: Certificate,
  now: Date,
  what: string,
): VerifiedList {
  return verifyingEvidence(what, () => {
    const list = parseCertificateList(bytes, what);
    const { nextUpdate } = list;
    // RFC 5280 5.1.2.5 demands it; without, an old list could be replayed for ever.
    if (nextUpdate === undefined) throw invalidEvidence(what, 'expected a next update, found none');
    const timely = { ...list, nextUpdate };
    assertTimely(timely, now, what);
    assertSignedBy(list, issuer);
    return timely;
  });
}

function assertSignedBy(list: CertificateList, issuer: Certificate): void {
  const { what } = list;
  if (Buffer.compare(list.issuer.raw, issuer.subject.raw) !== 0) {
    const [expected, found] = [show(issuer.subject.text), show(list.issuer.text)];
    throw invalidEvidence(what, `expected a CRL of ${expected}, found one of ${found}`);
  }
  if (issuer.extensions.keyUsage?.usages.has('cRLSign') === false) {
    throw invalidEvidence(what, `expected ${show(issuer.subject.text)} to have key usage cRLSign`);
  }
  const algorithm = toSignatureAlgorithm(list.signatureAlgorithm);
  const { spki } = issuer.publicKey;
  if (verifyCertificateSignature(algorithm, spki, list.tbs, list.signature)) return;
  throw invalidEvidence(what, `expected the signature of ${show(issuer.subject.text)}`);
}

/** What a distribution point had. */
export interface ListsOfPoint {
  readonly base: VerifiedList;
  /** There whenever `base` names one. */
  readonly delta: VerifiedList | undefined;
  /** The URIs that the certificate has for the point. */
  readonly addresses: readonly string[];
}

/**
 * The status that the lists of one distribution point give to a certificate. Only lists that
 * `verifyCrl` has verified for its issuer. `on hold` is revoked, until a delta takes it back. What
 * was signed before the key became suspect stays good, if an authority vouches for the time of
 * signing. Throws `revocation_evidence_invalid` or `revocation_unknown`.
 */
export function crlStatus(
  { base, delta, addresses }: ListsOfPoint,
  { certificate }: IssuedCertificate,
  authenticSigningTime: Date | undefined,
): RevocationStatus {
  const { what, distributionPoint } = base;
  if (distributionPoint) assertCovered(distributionPoint, certificate, addresses, what);
  assertComplete(base, delta, certificate);
  const counts = ({ reason, invalidityDate }: CrlEntry): boolean =>
    reason === 'removed' || !isSignedBefore(authenticSigningTime, invalidityDate);
  const inDelta = delta && isNewer(delta, base) ? delta.entries.find(certificate.serialNumber) : [];
  const inBase = base.entries.find(certificate.serialNumber);
  const entry = decide(inBase.filter(counts), inDelta.filter(counts), what);
  const validUntil = earlier(base.nextUpdate, delta?.nextUpdate);
  if (entry !== undefined) {
    return { kind: 'revoked', at: entry.revokedAt, source: 'crl', validUntil };
  }
  // A list of some reasons can say that a certificate is revoked, but not that it is not.
  if (distributionPoint?.onlySomeReasons !== true)
    return { kind: 'good', source: 'crl', validUntil };
  throw new AgentError(
    'revocation_unknown',
    `${what}: expected a CRL for all reasons, found one for some`,
  );
}

function earlier(one: Date, other: Date | undefined): Date {
  return other !== undefined && other < one ? other : one;
}

/** What is newer than a complete CRL must be there if there may be such. */
function assertComplete(
  base: VerifiedList,
  delta: VerifiedList | undefined,
  { extensions, subject }: Certificate,
): void {
  if (base.deltaBase !== undefined) {
    throw invalidEvidence(base.what, 'expected a complete CRL, found a delta CRL');
  }
  if (base.freshest === undefined ? extensions.hasFreshestCrl : delta === undefined) {
    const fault = `expected the delta CRL that it or ${show(subject.text)} names, found none`;
    throw new AgentError('revocation_unknown', `${base.what}: ${fault}`);
  }
}

/**
 * RFC 5280 5.2.4: whether a delta may be joined to a complete CRL, and adds to it. Throws
 * `revocation_evidence_invalid` where it must not be.
 */
function isNewer(delta: VerifiedList, base: VerifiedList): boolean {
  if (delta.deltaBase === undefined || delta.number === undefined) {
    throw invalidEvidence(delta.what, 'expected a delta CRL with its number');
  }
  if (base.number === undefined)
    throw invalidEvidence(base.what, 'expected a CRL number beside a delta');
  if (Buffer.compare(scopeOf(delta), scopeOf(base)) !== 0) {
    throw invalidEvidence(
      delta.what,
      'expected the issuing distribution point of its complete CRL',
    );
  }
  if (delta.deltaBase > base.number) {
    const fault = `expected one that continues CRL ${base.number}, found one from ${delta.deltaBase}`;
    throw invalidEvidence(delta.what, fault);
  }
  return delta.number > base.number;
}

function scopeOf({ distributionPoint }: CertificateList): Uint8Array {
  return distributionPoint?.raw ?? new Uint8Array();
}

/** The entry by which a certificate is revoked. Only a hold can be taken back, and only by a delta. */
function decide(
  inBase: readonly CrlEntry[],
  inDelta: readonly CrlEntry[],
  what: string,
): CrlEntry | undefined {
  if (inBase.some(({ reason }) => reason === 'removed')) {
    throw invalidEvidence(what, 'expected removeFromCRL in delta CRLs only');
  }
  const forGood = [...inDelta, ...inBase].find(({ reason }) => reason === 'for_good');
  // The delta is the newer: where it speaks of a hold, it decides.
  const latest = inDelta.length > 0 ? inDelta : inBase;
  return forGood ?? latest.find(({ reason }) => reason === 'on_hold');
}
