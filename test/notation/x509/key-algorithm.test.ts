// The table of signing keys: exactly six kinds, each with its one algorithm.
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import { keyAlgorithm } from '../../../agent/notation/x509/key-algorithm.ts';
import { createSelfSigned } from '../../support/ca.ts';
import { expectCode } from '../../support/expect-code.ts';
import type { KeyType } from '../../support/keys.ts';

const algorithmOf = (key: KeyType): string =>
  keyAlgorithm(
    parseCertificate(createSelfSigned({ key }).der, 'certificate'),
    'signing certificate',
  );

describe('keyAlgorithm', () => {
  it.each([
    ['rsa-2048', 'PS256'],
    ['rsa-3072', 'PS384'],
    ['rsa-4096', 'PS512'],
    ['p256', 'ES256'],
    ['p384', 'ES384'],
    ['p521', 'ES512'],
  ] as const)('gives %s the algorithm %s', (key, algorithm) => {
    expect(algorithmOf(key)).toBe(algorithm);
  });

  it.each(['rsa-1024', 'rsa-2560', 'p224', 'ed25519'] as const)('refuses %s', (key) => {
    const error = expectCode(() => algorithmOf(key), 'certificate_key_unsupported');
    expect(error.message).toMatch(/^signing certificate: expected a key of .*, found /);
  });
});
