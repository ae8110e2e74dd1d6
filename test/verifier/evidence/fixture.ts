// Chains whose certificates name a server of the test, and sources that end with it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import type { CertificateChain } from '../../../agent/notation/x509/chain.ts';
import type { RevocationStatus } from '../../../agent/notation/revocation/status.ts';
import type { EvidenceLimits } from '../../../agent/verifier/evidence/limits.ts';
import {
  createRevocationSource,
  type RevocationSource,
  type RevocationSourceOptions,
} from '../../../agent/verifier/evidence/revocation-source.ts';
import { createCa } from '../../support/ca.ts';
import type { CertificateOptions, TestCertificate } from '../../support/certificate.ts';
import { distributionPoints } from '../../support/crl.ts';
import { der, objectIdentifier, sequence } from '../../support/der.ts';
import { hoursFromNow, NOW } from '../../notation/revocation/fixture.ts';

export const CA = createCa({ name: 'Revoking' });
export const ISSUER = CA.issuer;
export { hoursFromNow, NOW };

export const NEVER = new AbortController().signal;

/** A clock that a test may set. */
export class TestClock {
  time = NOW;

  now(): Date {
    return this.time;
  }
}

/** Short waits: loopback answers at once or not at all. */
const LIMITS: Partial<EvidenceLimits> = { ocspMs: 2_000, crlMs: 2_000, overallMs: 4_000 };

export function openSource(options: Partial<RevocationSourceOptions> = {}): RevocationSource {
  const source = createRevocationSource({
    clock: { now: () => NOW },
    ...options,
    limits: { ...LIMITS, ...options.limits },
  });
  onTestFinished(() => source.close());
  return source;
}

export async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nodeseal-crl-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** A leaf that names responders and, for each distribution point, CRLs. */
export function issueNaming(
  ocsp: readonly string[],
  points: readonly (readonly string[])[] = [],
  options: CertificateOptions = {},
): TestCertificate {
  return CA.issue({
    ...options,
    extensions: [...means(ocsp, points), ...(options.extensions ?? [])],
  });
}

/** The extensions by which a certificate names them. */
export function means(
  ocsp: readonly string[],
  points: readonly (readonly string[])[] = [],
): NonNullable<CertificateOptions['extensions']> {
  const access = ocsp.map((uri) =>
    sequence(objectIdentifier('1.3.6.1.5.5.7.48.1'), der(0x86, Buffer.from(uri))),
  );
  return [
    ...(ocsp.length === 0
      ? []
      : [{ oid: '1.3.6.1.5.5.7.1.1', critical: false, value: sequence(...access) }]),
    ...(points.length === 0
      ? []
      : [{ oid: '2.5.29.31', critical: false, value: distributionPoints(points) }]),
  ];
}

export function chainOf({ chain }: TestCertificate): CertificateChain {
  const [leaf, ...issuers] = chain.map((bytes) => parseCertificate(bytes, 'certificate'));
  if (leaf === undefined) throw new TypeError('a chain has a leaf');
  return [leaf, ...issuers];
}

/** The status of the leaf. */
export async function check(
  source: RevocationSource,
  leaf: TestCertificate,
  authenticSigningTime?: Date,
  signal = NEVER,
): Promise<RevocationStatus> {
  const options = authenticSigningTime === undefined ? {} : { authenticSigningTime };
  const [first] = await source.check(chainOf(leaf), options, signal);
  if (first === undefined) throw new TypeError('no status');
  return first.status;
}

/** Asserts that a status is unknown, and gives its error. */
export function expectUnknown(status: RevocationStatus, code: string): Error {
  expect(status).toMatchObject({ kind: 'unknown', error: { code } });
  if (status.kind !== 'unknown') throw new TypeError('unreachable');
  return status.error;
}
