import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createCanarySigner } from '../../agent/enforcement/canary-signer.ts';
import { parseCertificate } from '../../agent/notation/x509/certificate.ts';
import { verifyCodeSigningChain } from '../../agent/notation/x509/code-signing.ts';
import { NOW } from './fixture.ts';

const HOUR_MS = 3_600_000;

describe("the canary's certificate", () => {
  it('is a code-signing chain of one to us', () => {
    const certificate = parseCertificate(createCanarySigner(NOW).certificate, 'canary');
    expect(() => verifyCodeSigningChain([certificate])).not.toThrow();
    expect(certificate.extensions.extendedKeyUsage?.purposes).toEqual(
      new Set(['1.3.6.1.5.5.7.3.3']),
    );
  });

  it('is valid and self-signed to OpenSSL', () => {
    const certificate = new X509Certificate(createCanarySigner(NOW).certificate);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.subject).toBe('CN=nodeseal canary');
    expect(certificate.issuer).toBe(certificate.subject);
    expect(certificate.ca).toBe(false);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.3']);
    expect(certificate.validFromDate.getTime()).toBeLessThan(NOW.getTime());
    expect(certificate.validToDate.getTime()).toBe(NOW.getTime() + HOUR_MS);
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
  });

  it('is another one each time', () => {
    const [one, two] = [createCanarySigner(NOW), createCanarySigner(NOW)].map(
      ({ certificate }) => new X509Certificate(certificate),
    );
    expect(one?.serialNumber).not.toBe(two?.serialNumber);
    expect(one?.publicKey.equals(two?.publicKey ?? one.publicKey)).toBe(false);
  });
});
