// When a timestamp is asked for, and which certificates its time covers.
import { describe, expect, it } from 'vitest';
import {
  assertValidAtTimestamp,
  needsTimestamp,
} from '../../../agent/notation/timestamp/validity.ts';
import { type Certificate, parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import { createCa } from '../../support/ca.ts';
import { expectCode } from '../../support/expect-code.ts';

const START = new Date('2026-01-01T00:00:00Z');
const END = new Date('2026-01-31T00:00:00Z');
const chain: Certificate[] = createCa()
  .issue({ notBefore: START, notAfter: END })
  .chain.map((der) => parseCertificate(der, 'certificate'));
const plus = (date: Date, milliseconds: number): Date => new Date(date.getTime() + milliseconds);

describe('a timestamp', () => {
  const need = (
    verifyTimestamp: 'always' | 'afterCertExpiry',
    hasTsaStore: boolean,
    now: Date,
  ): boolean => needsTimestamp({ verifyTimestamp, hasTsaStore, chain, now });

  it('is not needed without a trust store of type tsa', () => {
    expect(need('always', false, START)).toBe(false);
    expect(need('afterCertExpiry', false, plus(END, 1000))).toBe(false);
  });

  it('is always needed with one, even while the certificates are fresh', () => {
    expect(need('always', true, START)).toBe(true);
    expect(need('always', true, plus(END, 1000))).toBe(true);
  });

  it('is needed after a certificate has expired, and not before it is valid', () => {
    expect(need('afterCertExpiry', true, plus(START, -1000))).toBe(false);
    expect(need('afterCertExpiry', true, START)).toBe(false);
    expect(need('afterCertExpiry', true, END)).toBe(false);
    expect(need('afterCertExpiry', true, plus(END, 1))).toBe(true);
  });

  it.each([
    ['at their first moment', START, 0],
    ['at their last moment', END, 0],
    ['as soon as it is accurate to', plus(START, 500), 500],
    ['as late as it is accurate to', plus(END, -0.5 * 1000), 500],
  ])('covers certificates %s', (_, time, accuracyMs) => {
    expect(() => {
      assertValidAtTimestamp({ time, accuracyMs }, chain);
    }).not.toThrow();
  });

  it.each([
    ['before they were valid', plus(START, -1), 0],
    ['after they expired', plus(END, 1), 0],
    ['that might be before they were valid', plus(START, 500), 501],
    ['that might be after they expired', plus(END, -500), 501],
    ['that is off by a microsecond', END, 0.001],
  ])('does not cover certificates at a time %s', (_, time, accuracyMs) => {
    const error = expectCode(() => {
      assertValidAtTimestamp({ time, accuracyMs }, chain);
    }, 'certificate_expired');
    expect(error.message).toContain(`± ${accuracyMs} ms`);
  });

  it('covers every certificate of the chain or none', () => {
    const expired = createCa({ root: { notAfter: START } })
      .issue()
      .chain.map((der) => parseCertificate(der, 'certificate'));
    const time = plus(START, 1000);
    expectCode(() => {
      assertValidAtTimestamp({ time, accuracyMs: 0 }, expired);
    }, 'certificate_expired');
    expect(
      needsTimestamp({
        verifyTimestamp: 'afterCertExpiry',
        hasTsaStore: true,
        chain: expired,
        now: time,
      }),
    ).toBe(true);
  });
});
