// What an OCSP response proves about one certificate, to the letter of RFC 6960.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { Certificate } from '../x509/certificate.ts';
import { namesCertificate } from './cert-id.ts';
import {
  assertPast,
  assertTimely,
  type EvidenceTimes,
  invalidEvidence,
  verifyingEvidence,
} from './evidence-fault.ts';
import type { OcspAnswer } from './ocsp-answer.ts';
import { verifyResponder } from './ocsp-responder.ts';
import { parseOcspResponse } from './ocsp-response.ts';
import { isSignedBefore } from './signing-time.ts';
import type { IssuedCertificate, RevocationStatus } from './status.ts';

/** The answer for one certificate, from somebody who may give it, for a time that includes `now`. */
export interface VerifiedOcspAnswer extends EvidenceTimes {
  readonly status: OcspAnswer['status'];
  readonly invalidityDate: Date | undefined;
  /**
   * Who signed in the issuer's place, if its own revocation remains to be checked: RFC 6960
   * 4.2.2.2.1. A delegate with id-pkix-ocsp-nocheck is trusted for its lifetime; one that
   * names no means of revocation cannot be revoked, like any certificate.
   */
  readonly uncheckedDelegate: Certificate | undefined;
  /** From when on it must be asked for again: its next update, or the delegate's end. */
  readonly validUntil: Date;
}

/**
 * Verifies the response of a responder on a certificate: signed by the issuer or its delegate,
 * on this certificate of this issuer, neither from the future nor out of date. An answer without
 * nextUpdate is refused: nothing says how long it may be replayed. Throws `revocation_unknown` when
 * the responder does not answer, or `revocation_evidence_invalid`.
 */
export function verifyOcspResponse(
  bytes: Uint8Array,
  issued: IssuedCertificate,
  now: Date,
  what: string,
): VerifiedOcspAnswer {
  return verifyingEvidence(what, () => verify(bytes, issued, now, what));
}

function verify(
  bytes: Uint8Array,
  issued: IssuedCertificate,
  now: Date,
  what: string,
): VerifiedOcspAnswer {
  const response = parseOcspResponse(bytes, what);
  const answers = response.answers.filter(({ id }) => namesCertificate(id, issued));
  const [answer] = answers;
  if (answer === undefined || answers.length > 1) {
    const asked = show(issued.certificate.subject.text);
    throw invalidEvidence(what, `expected one answer for ${asked}, found ${answers.length}`);
  }
  const { thisUpdate, nextUpdate, status, invalidityDate } = answer;
  if (nextUpdate === undefined) throw invalidEvidence(what, 'expected a next update, found none');
  assertTimely({ thisUpdate, nextUpdate }, now, what);
  assertPast(response.producedAt, now, `${what}: produced at`);
  const delegate = verifyResponder(response, issued.issuer, now);
  const end = Math.min(nextUpdate.getTime(), delegate?.notAfter.getTime() ?? Infinity);
  return {
    status,
    invalidityDate,
    thisUpdate,
    nextUpdate,
    validUntil: new Date(end),
    uncheckedDelegate: isUnchecked(delegate) ? delegate : undefined,
  };
}

/**
 * The status that an answer gives to a certificate. trust-store-trust-policy.md, "Certificate
 * Revocation Evaluation": what was signed before the key became suspect stays good, if an authority
 * vouches for the time of signing.
 */
export function ocspStatus(
  { status, invalidityDate, validUntil }: VerifiedOcspAnswer,
  authenticSigningTime: Date | undefined,
  what: string,
): RevocationStatus {
  switch (status.kind) {
    case 'good':
      return { kind: 'good', source: 'ocsp', validUntil };
    case 'revoked':
      return isSignedBefore(authenticSigningTime, invalidityDate)
        ? { kind: 'good', source: 'ocsp', validUntil }
        : { kind: 'revoked', at: status.at, source: 'ocsp', validUntil };
    case 'unknown': {
      const message = `${what}: expected a status, found that the responder does not know`;
      return { kind: 'unknown', error: new AgentError('revocation_unknown', message) };
    }
  }
}

function isUnchecked(delegate: Certificate | undefined): boolean {
  if (delegate === undefined || delegate.extensions.hasOcspNoCheck) return false;
  return delegate.extensions.namesOcsp || delegate.extensions.namesCrl;
}
