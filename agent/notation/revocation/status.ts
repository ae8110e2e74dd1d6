// What is known about the revocation of one certificate.
import type { AgentError } from '../../errors.ts';
import type { Certificate } from '../x509/certificate.ts';

/** `unknown` is its own result: nobody said that the certificate is good, nor that it is not. */
export type RevocationStatus =
  | ({ readonly kind: 'good'; readonly source: RevocationMeans } & EvidenceTerm)
  /** It names neither an OCSP responder nor a CRL, so its issuer has no means to revoke it. */
  | { readonly kind: 'not_revocable' }
  | ({
      readonly kind: 'revoked';
      readonly at: Date;
      readonly source: RevocationMeans;
    } & EvidenceTerm)
  /** Why it could not be told. */
  | { readonly kind: 'unknown'; readonly error: AgentError };

/** How long evidence is evidence. */
export interface EvidenceTerm {
  /** After this it is no evidence any more. */
  readonly validUntil?: Date;
  /** When whoever keeps it asks for newer, which may be before its end and after it. */
  readonly renewAt?: Date;
  /** When it was issued, if it was carried in rather than asked for. */
  readonly carriedOf?: Date;
}

/** How an issuer tells. */
export type RevocationMeans = 'ocsp' | 'crl';

/** The status of one certificate of a chain. */
export interface CertificateRevocation {
  readonly certificate: Certificate;
  readonly status: RevocationStatus;
}

/** A certificate, and the one after it in a verified chain, whose word on it counts. */
export interface IssuedCertificate {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
}

/**
 * How far the clock of a responder or CA may be ahead of ours. Only for times that should have
 * passed: what has expired is expired.
 */
export const MAX_CLOCK_SKEW_MS = 5 * 60 * 1000;
