// A leaf, its issuer and the time of the tests of revocation.
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import type { Certificate } from '../../../agent/notation/x509/certificate.ts';
import type { IssuedCertificate } from '../../../agent/notation/revocation/status.ts';
import { createCa } from '../../support/ca.ts';
import type { TestCertificate } from '../../support/certificate.ts';

export const NOW = new Date('2026-03-01T12:00:00Z');
export const HOUR_MS = 3_600_000;

/** A time so many hours after `NOW`, or before it. */
export function hoursFromNow(hours: number): Date {
  return new Date(NOW.getTime() + hours * HOUR_MS);
}

export const CA = createCa({ name: 'Revoking' });
export const OTHER_CA = createCa({ name: 'Other' });

export function parsed({ der }: TestCertificate, what = 'certificate'): Certificate {
  return parseCertificate(der, what);
}

export function issuedBy(issuer: TestCertificate, certificate: TestCertificate): IssuedCertificate {
  return { certificate: parsed(certificate), issuer: parsed(issuer) };
}
