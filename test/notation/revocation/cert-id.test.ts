import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { certIdLabel } from '../../../agent/notation/revocation/cert-id.ts';
import { CA, issuedBy, OTHER_CA } from './fixture.ts';

const LEAF = CA.issue({ serialNumber: 0xabcdn });

describe('what answers on a certificate are filed under', () => {
  it('is its issuer, by name and key, and its serial number', () => {
    const label = certIdLabel(issuedBy(CA.issuer, LEAF));
    expect(label).toMatch(/^[0-9a-f]{40}:[0-9a-f]{40}:00abcd$/);
    expect(certIdLabel(issuedBy(OTHER_CA.issuer, LEAF))).not.toBe(label);
  });

  it('is another for every other serial number', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 2n ** 159n), fc.bigInt(1n, 2n ** 159n), (one, other) => {
        const [first, second] = [one, other].map((serialNumber) => {
          const { certificate, issuer } = issuedBy(CA.issuer, LEAF);
          const bytes = Buffer.from(serialNumber.toString(16).padStart(40, '0'), 'hex');
          return certIdLabel({ certificate: { ...certificate, serialNumber: bytes }, issuer });
        });
        expect(first === second).toBe(one === other);
      }),
    );
  });
});
