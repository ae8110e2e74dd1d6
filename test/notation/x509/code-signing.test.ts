// Code-signing chains: each rule with a chain that keeps it and the same chain with that one thing broken.
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../agent/errors.ts';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import type { CertificateChain } from '../../../agent/notation/x509/chain.ts';
import { verifyCodeSigningChain } from '../../../agent/notation/x509/code-signing.ts';
import { createCa, createSelfSigned } from '../../support/ca.ts';
import type { CertificateOptions, KeyUsageName } from '../../support/certificate.ts';
import { expectCode } from '../../support/expect-code.ts';

const verify = (ders: readonly Uint8Array[]): CertificateChain =>
  verifyCodeSigningChain(ders.map((der, index) => parseCertificate(der, `certificate ${index}`)));
const ca = createCa({ intermediates: 1 });
const purpose = (...oids: string[]): CertificateOptions => ({ extendedKeyUsage: { oids } });

describe('a leaf', () => {
  it.each<[string, CertificateOptions]>([
    ['with the defaults', {}],
    ['without basic constraints', { basicConstraints: null }],
    [
      'with basic constraints that are not critical',
      { basicConstraints: { ca: false, critical: false } },
    ],
    [
      'that may also commit to content',
      { keyUsage: { usages: ['digitalSignature', 'contentCommitment'] } },
    ],
    ['without extended key usage', { extendedKeyUsage: null }],
    [
      'with critical extended key usage',
      { extendedKeyUsage: { oids: ['1.3.6.1.5.5.7.3.3'], critical: true } },
    ],
    ['with another purpose', purpose('1.2.3.4')],
    [
      'with an unknown critical extension',
      { extensions: [{ oid: '1.2.3', critical: true, value: Buffer.of(5, 0) }] },
    ],
    ['that expired long ago', { notAfter: new Date('2024-01-02') }],
    ['that outlives its issuer', { notAfter: new Date('2060-01-01') }],
    ['with an RSA key', { key: 'rsa-2048' }],
    ['without a subject', { subject: [] }],
  ])('%s is accepted', (_, options) => {
    expect(verify(ca.issue(options).chain)).toHaveLength(3);
  });

  it.each<[string, ErrorCode, CertificateOptions]>([
    ['that is a CA', 'certificate_leaf_is_ca', { basicConstraints: { ca: true } }],
    ['without key usage', 'certificate_key_usage_missing', { keyUsage: null }],
    [
      'with key usage that is not critical',
      'certificate_key_usage_not_critical',
      { keyUsage: { usages: ['digitalSignature'], critical: false } },
    ],
    [
      'without digitalSignature',
      'certificate_key_usage_insufficient',
      { keyUsage: { usages: ['contentCommitment'] } },
    ],
    [
      'for any purpose',
      'certificate_extended_key_usage_forbidden',
      purpose('1.3.6.1.5.5.7.3.3', '2.5.29.37.0'),
    ],
    [
      'for servers',
      'certificate_extended_key_usage_forbidden',
      purpose('1.3.6.1.5.5.7.3.3', '1.3.6.1.5.5.7.3.1'),
    ],
    ['for clients', 'certificate_extended_key_usage_forbidden', purpose('1.3.6.1.5.5.7.3.2')],
    ['for e-mail', 'certificate_extended_key_usage_forbidden', purpose('1.3.6.1.5.5.7.3.4')],
    ['for time stamps', 'certificate_extended_key_usage_forbidden', purpose('1.3.6.1.5.5.7.3.8')],
    ['for OCSP', 'certificate_extended_key_usage_forbidden', purpose('1.3.6.1.5.5.7.3.9')],
  ])('%s is refused', (_, code, options) => {
    expectCode(() => verify(ca.issue(options).chain), code);
  });

  it.each<KeyUsageName>([
    'keyEncipherment',
    'dataEncipherment',
    'keyAgreement',
    'keyCertSign',
    'cRLSign',
    'encipherOnly',
    'decipherOnly',
  ])('that may also %s is refused', (usage) => {
    const options: CertificateOptions = { keyUsage: { usages: ['digitalSignature', usage] } };
    const error = expectCode(
      () => verify(ca.issue(options).chain),
      'certificate_key_usage_forbidden',
    );
    expect(error.message).toContain(usage);
  });

  it.each(['rsa-1024', 'rsa-2560', 'p224', 'ed25519'] as const)('with %s is refused', (key) => {
    expectCode(() => verify(ca.issue({ key }).chain), 'certificate_key_unsupported');
  });

  it('signed with SHA-1 is refused', () => {
    const rsaCa = createCa({ name: 'RSA', key: 'rsa-2048' });
    expect(verify(rsaCa.issue().chain)).toHaveLength(2);
    expectCode(
      () => verify(rsaCa.issue({ signature: 'rsa-sha1' }).chain),
      'certificate_signature_unsupported',
    );
  });
});

describe.each(['root', 'intermediate'] as const)('a CA certificate: %s', (place) => {
  const issue = (options: CertificateOptions): readonly Buffer[] =>
    createCa({ intermediates: 1, [place]: options }).issue().chain;

  it.each<[string, CertificateOptions]>([
    ['with the defaults', {}],
    ['that may do more', { keyUsage: { usages: ['keyCertSign', 'digitalSignature'] } }],
    ['with extended key usage', purpose('1.3.6.1.5.5.7.3.3')],
    [
      'with a path length that just suffices',
      { basicConstraints: { ca: true, pathLength: place === 'root' ? 1 : 0 } },
    ],
    ['that expired long ago', { notAfter: new Date('2024-01-02') }],
  ])('%s is accepted', (_, options) => {
    expect(verify(issue(options))).toHaveLength(3);
  });

  it.each<[string, ErrorCode, CertificateOptions]>([
    [
      'without basic constraints',
      'certificate_basic_constraints_missing',
      { basicConstraints: null },
    ],
    [
      'with basic constraints that are not critical',
      'certificate_basic_constraints_not_critical',
      { basicConstraints: { ca: true, critical: false } },
    ],
    ['that is no CA', 'certificate_not_ca', { basicConstraints: { ca: false } }],
    ['without key usage', 'certificate_key_usage_missing', { keyUsage: null }],
    [
      'with key usage that is not critical',
      'certificate_key_usage_not_critical',
      { keyUsage: { usages: ['keyCertSign'], critical: false } },
    ],
    [
      'without keyCertSign',
      'certificate_key_usage_insufficient',
      { keyUsage: { usages: ['digitalSignature', 'cRLSign'] } },
    ],
  ])('%s is refused', (_, code, options) => {
    expectCode(() => verify(issue(options)), code);
  });
});

describe('path length', () => {
  it('counts the CA certificates below', () => {
    const chain = (intermediates: number, pathLength: number): readonly Buffer[] =>
      createCa({ intermediates, root: { basicConstraints: { ca: true, pathLength } } }).issue()
        .chain;
    expect(verify(chain(0, 0))).toHaveLength(2);
    expect(verify(chain(2, 2))).toHaveLength(4);
    expectCode(() => verify(chain(1, 0)), 'certificate_path_length_exceeded');
    expectCode(() => verify(chain(2, 1)), 'certificate_path_length_exceeded');
  });
});

describe('a code-signing chain', () => {
  it('of one leaf has to keep the rules for leaves', () => {
    const options: CertificateOptions = { keyUsage: { usages: ['keyCertSign'] } };
    expectCode(() => verify(createSelfSigned(options).chain), 'certificate_key_usage_insufficient');
    expectCode(() => verify([ca.root.der]), 'certificate_leaf_is_ca');
  });

  it('of one self-signed leaf may not use SHA-1, which notation lets pass', () => {
    const options = { key: 'rsa-2048', signature: 'rsa-sha1' } as const;
    expectCode(() => verify(createSelfSigned(options).chain), 'certificate_signature_unsupported');
  });

  it('says which certificate breaks which rule', () => {
    const error = expectCode(
      () => verify(ca.issue({ keyUsage: null }).chain),
      'certificate_key_usage_missing',
    );
    expect(error.message).toBe(
      'certificate "CN=leaf,O=Example,ST=WA,C=US": it must have a key usage',
    );
  });
});
