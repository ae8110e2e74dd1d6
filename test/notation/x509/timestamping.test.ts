// Chains of timestamping authorities: each rule with a chain that keeps it and the same chain with that one thing broken.
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../agent/errors.ts';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import type { CertificateChain } from '../../../agent/notation/x509/chain.ts';
import { verifyTimestampingChain } from '../../../agent/notation/x509/timestamping.ts';
import { createCa, createSelfSigned } from '../../support/ca.ts';
import type { CertificateOptions, KeyUsageName, TestExtension } from '../../support/certificate.ts';
import { expectCode } from '../../support/expect-code.ts';

const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const ANY = '2.5.29.37.0';

const verify = (ders: readonly Uint8Array[]): CertificateChain =>
  verifyTimestampingChain(ders.map((der, index) => parseCertificate(der, `certificate ${index}`)));
const ca = createCa({ intermediates: 1 });
const tsa: CertificateOptions = { extendedKeyUsage: { oids: [TIME_STAMPING], critical: true } };
const issue = (options: CertificateOptions = {}): readonly Buffer[] =>
  ca.issue({ ...tsa, ...options }).chain;
const extension = (oid: string, critical: boolean): CertificateOptions => {
  const extensions: readonly TestExtension[] = [{ oid, critical, value: Buffer.of(0x30, 0) }];
  return { extensions };
};

describe('the leaf of a timestamping authority', () => {
  it.each<[string, CertificateOptions]>([
    ['with the defaults', {}],
    ['without basic constraints', { basicConstraints: null }],
    [
      'with key usage that is not critical',
      { keyUsage: { usages: ['digitalSignature'], critical: false } },
    ],
    [
      'that may also commit to content',
      { keyUsage: { usages: ['digitalSignature', 'contentCommitment'] } },
    ],
    ['with an unknown extension', extension('1.2.3', false)],
    ['with critical policies', extension('2.5.29.32', true)],
    ['with a critical other name', extension('2.5.29.17', true)],
    ['that expired long ago', { notAfter: new Date('2024-01-02') }],
    ['with an RSA key', { key: 'rsa-2048' }],
  ])('%s is accepted', (_, options) => {
    expect(verify(issue(options))).toHaveLength(3);
  });

  it.each<[string, ErrorCode, CertificateOptions]>([
    ['that is a CA', 'certificate_leaf_is_ca', { basicConstraints: { ca: true } }],
    ['without key usage', 'certificate_key_usage_missing', { keyUsage: null }],
    [
      'without digitalSignature',
      'certificate_key_usage_insufficient',
      { keyUsage: { usages: ['contentCommitment'] } },
    ],
    [
      'without extended key usage',
      'certificate_extended_key_usage_not_timestamping',
      { extendedKeyUsage: null },
    ],
    [
      'for code signing',
      'certificate_extended_key_usage_not_timestamping',
      { extendedKeyUsage: { oids: [CODE_SIGNING], critical: true } },
    ],
    [
      'for any purpose',
      'certificate_extended_key_usage_not_timestamping',
      { extendedKeyUsage: { oids: [ANY], critical: true } },
    ],
    [
      'for code signing too',
      'certificate_extended_key_usage_not_timestamping',
      { extendedKeyUsage: { oids: [TIME_STAMPING, CODE_SIGNING], critical: true } },
    ],
    [
      'for an unknown purpose too',
      'certificate_extended_key_usage_not_timestamping',
      { extendedKeyUsage: { oids: [TIME_STAMPING, '1.2.3'], critical: true } },
    ],
    [
      'with extended key usage that is not critical',
      'certificate_extended_key_usage_not_critical',
      { extendedKeyUsage: { oids: [TIME_STAMPING] } },
    ],
    [
      'with an unknown critical extension',
      'certificate_extension_unsupported',
      extension('1.2.3', true),
    ],
    ['with an odd size of key', 'certificate_key_unsupported', { key: 'rsa-2560' }],
  ])('%s is refused', (_, code, options) => {
    expect(verify(issue())).toHaveLength(3);
    expectCode(() => verify(issue(options)), code);
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
    const chain = issue({ keyUsage: { usages: ['digitalSignature', usage] } });
    expectCode(() => verify(chain), 'certificate_key_usage_forbidden');
  });

  it('signed with SHA-1 is refused', () => {
    const rsaCa = createCa({ name: 'RSA', key: 'rsa-2048' });
    expect(verify(rsaCa.issue(tsa).chain)).toHaveLength(2);
    expectCode(
      () => verify(rsaCa.issue({ ...tsa, signature: 'rsa-sha1' }).chain),
      'certificate_signature_unsupported',
    );
  });

  it('may be its own root, keeping the same rules', () => {
    expect(verify(createSelfSigned(tsa).chain)).toHaveLength(1);
    expectCode(
      () => verify(createSelfSigned().chain),
      'certificate_extended_key_usage_not_timestamping',
    );
  });
});

describe.each(['root', 'intermediate'] as const)('a CA of it: %s', (place) => {
  const issueBelow = (options: CertificateOptions): readonly Buffer[] =>
    createCa({ intermediates: 1, [place]: options }).issue(tsa).chain;

  it.each<[string, CertificateOptions]>([
    ['with the defaults', {}],
    [
      'with key usage that is not critical',
      { keyUsage: { usages: ['keyCertSign'], critical: false } },
    ],
    [
      'that may issue for timestamping and more',
      { extendedKeyUsage: { oids: [CODE_SIGNING, TIME_STAMPING] } },
    ],
    ['that may issue for any purpose', { extendedKeyUsage: { oids: [ANY] } }],
    ['with critical policies', extension('2.5.29.32', true)],
    [
      'with a path length that just suffices',
      { basicConstraints: { ca: true, pathLength: place === 'root' ? 1 : 0 } },
    ],
  ])('%s is accepted', (_, options) => {
    expect(verify(issueBelow(options))).toHaveLength(3);
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
      'without keyCertSign',
      'certificate_key_usage_insufficient',
      { keyUsage: { usages: ['digitalSignature', 'cRLSign'] } },
    ],
    [
      'that issues for code signing only',
      'certificate_extended_key_usage_not_timestamping',
      { extendedKeyUsage: { oids: [CODE_SIGNING] } },
    ],
    [
      'with an unknown critical extension',
      'certificate_extension_unsupported',
      extension('1.2.3', true),
    ],
    [
      'with critical constraints on names',
      'certificate_extension_unsupported',
      extension('2.5.29.30', true),
    ],
    [
      'with constraints on names',
      'certificate_extension_unsupported',
      extension('2.5.29.30', false),
    ],
    [
      'with constraints on policies',
      'certificate_extension_unsupported',
      extension('2.5.29.36', true),
    ],
  ])('%s is refused', (_, code, options) => {
    expectCode(() => verify(issueBelow(options)), code);
  });
});

describe('a chain of a timestamping authority', () => {
  const chain = issue();
  const [leaf = Buffer.of(), intermediate = Buffer.of(), root = Buffer.of()] = chain;

  it.each<[string, ErrorCode, readonly Uint8Array[]]>([
    ['of nothing', 'certificate_chain_invalid', []],
    ['without its root', 'certificate_not_self_signed', [leaf, intermediate]],
    ['without its intermediate', 'certificate_not_issued_by_next', [leaf, root]],
    ['with its root twice', 'certificate_self_signed', [...chain, root]],
  ])('%s is refused', (_, code, certificates) => {
    expect(verify(chain)).toHaveLength(3);
    expectCode(() => verify(certificates), code);
  });

  it('has no more CAs than the path length of one above allows', () => {
    const below = (pathLength: number): readonly Buffer[] =>
      createCa({ intermediates: 1, root: { basicConstraints: { ca: true, pathLength } } }).issue(
        tsa,
      ).chain;
    expect(verify(below(1))).toHaveLength(3);
    expectCode(() => verify(below(0)), 'certificate_path_length_exceeded');
  });
});
