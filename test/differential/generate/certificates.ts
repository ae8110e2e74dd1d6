// The certificates that cases are made of; keys come from one pool, so that a run makes each but once.
import { createCa, createSelfSigned, subjectNamed } from '../../support/ca.ts';
import {
  type CertificateOptions,
  mintCertificate,
  type SubjectAttributes,
  type TestCertificate,
} from '../../support/certificate.ts';
import { type KeyType, testKey } from '../../support/keys.ts';

export const KEYS = {
  'rsa-2048': 'rsa-2048',
  'rsa-3072': 'rsa-3072',
  'rsa-4096': 'rsa-4096',
  p256: 'p256',
  p384: 'p384',
  p521: 'p521',
} as const satisfies Readonly<Record<string, KeyType>>;

/** What is trusted unless a case says otherwise, and what is not. */
export const CA = createCa({ name: 'Trusted' });
export const STRANGER = createCa({ name: 'Stranger' });

export const LEAF_SUBJECT: SubjectAttributes = subjectNamed('leaf');
const MINUTE_MS = 60_000;

/** A leaf of the trusted CA. */
export function leafWith(options: CertificateOptions = {}): TestCertificate {
  return CA.issue(options);
}

/** A leaf below intermediates, the topmost of which the trusted root issued. */
export function leafBelow(
  intermediates: number,
  intermediate: CertificateOptions = {},
  leaf: CertificateOptions = {},
): TestCertificate {
  let issuer = CA.root;
  for (let number = 1; number <= intermediates; number++) {
    issuer = intermediateOf(issuer, number, intermediate);
  }
  return leafOf(issuer, leaf);
}

/** A leaf that this certificate issued. */
export function leafOf(issuer: TestCertificate, leaf: CertificateOptions = {}): TestCertificate {
  const key = testKey('p256', 'leaf');
  return mintCertificate({ subject: LEAF_SUBJECT, key, ...leaf }, issuer);
}

/** A good intermediate. */
export function intermediateOf(
  issuer: TestCertificate,
  number = 1,
  options: CertificateOptions = {},
): TestCertificate {
  const name = `intermediate ${number}`;
  return mintCertificate({ ...caFields(name), ...options }, issuer);
}

/** A root and the leaf that it issues: `root` is changed, all else is good. */
export function leafOfRoot(
  root: CertificateOptions,
  leaf: CertificateOptions = {},
): TestCertificate {
  return leafOf(mintCertificate({ ...caFields('own root'), ...root }), leaf);
}

/** A self-signed signing certificate. */
export function selfSigned(options: CertificateOptions = {}): TestCertificate {
  return createSelfSigned(options);
}

/** What makes a certificate a good CA. */
export function caFields(commonName: string): CertificateOptions {
  return {
    subject: subjectNamed(commonName),
    key: testKey('p256', commonName),
    basicConstraints: { ca: true },
    keyUsage: { usages: ['keyCertSign', 'cRLSign'] },
    extendedKeyUsage: null,
  };
}

/** A time so many minutes from `now`, or before it, in whole seconds as certificates have them. */
export function minutesFrom(now: Date, minutes: number): Date {
  return new Date(Math.floor(now.getTime() / 1000) * 1000 + minutes * MINUTE_MS);
}
