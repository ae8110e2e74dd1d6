// Code-signing chains: each rule with a chain that keeps it and the same chain with that one thing broken.
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import {
  type CertificateChain,
  MAX_CHAIN_LENGTH,
  verifyCodeSigningChain,
} from '../../../agent/notation/x509/chain.ts';
import { createCa, createSelfSigned, subjectNamed } from '../../support/ca.ts';
import type { CertificateOptions, KeyUsageName } from '../../support/certificate.ts';
import { expectCode } from '../../support/expect-code.ts';
import { testKey } from '../../support/keys.ts';

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

  it.each<[string, CertificateOptions]>([
    ['that is a CA', { basicConstraints: { ca: true } }],
    ['without key usage', { keyUsage: null }],
    [
      'with key usage that is not critical',
      { keyUsage: { usages: ['digitalSignature'], critical: false } },
    ],
    ['without digitalSignature', { keyUsage: { usages: ['contentCommitment'] } }],
    ['for any purpose', purpose('1.3.6.1.5.5.7.3.3', '2.5.29.37.0')],
    ['for servers', purpose('1.3.6.1.5.5.7.3.3', '1.3.6.1.5.5.7.3.1')],
    ['for clients', purpose('1.3.6.1.5.5.7.3.2')],
    ['for e-mail', purpose('1.3.6.1.5.5.7.3.4')],
    ['for time stamps', purpose('1.3.6.1.5.5.7.3.8')],
    ['for OCSP', purpose('1.3.6.1.5.5.7.3.9')],
  ])('%s is refused', (_, options) => {
    expectCode(() => verify(ca.issue(options).chain), 'certificate_invalid');
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
    const error = expectCode(() => verify(ca.issue(options).chain), 'certificate_invalid');
    expect(error.message).toContain(usage);
  });

  it.each(['rsa-1024', 'rsa-2560', 'p224', 'ed25519'] as const)('with %s is refused', (key) => {
    expectCode(() => verify(ca.issue({ key }).chain), 'algorithm_unsupported');
  });

  it('signed with SHA-1 is refused', () => {
    const rsaCa = createCa({ name: 'RSA', key: 'rsa-2048' });
    expect(verify(rsaCa.issue().chain)).toHaveLength(2);
    expectCode(() => verify(rsaCa.issue({ signature: 'rsa-sha1' }).chain), 'algorithm_unsupported');
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

  it.each<[string, CertificateOptions]>([
    ['without basic constraints', { basicConstraints: null }],
    [
      'with basic constraints that are not critical',
      { basicConstraints: { ca: true, critical: false } },
    ],
    ['that is no CA', { basicConstraints: { ca: false } }],
    ['without key usage', { keyUsage: null }],
    [
      'with key usage that is not critical',
      { keyUsage: { usages: ['keyCertSign'], critical: false } },
    ],
    ['without keyCertSign', { keyUsage: { usages: ['digitalSignature', 'cRLSign'] } }],
  ])('%s is refused', (_, options) => {
    expectCode(() => verify(issue(options)), 'certificate_invalid');
  });
});

describe('path length', () => {
  it('counts the CA certificates below', () => {
    const chain = (intermediates: number, pathLength: number): readonly Buffer[] =>
      createCa({ intermediates, root: { basicConstraints: { ca: true, pathLength } } }).issue()
        .chain;
    expect(verify(chain(0, 0))).toHaveLength(2);
    expect(verify(chain(2, 2))).toHaveLength(4);
    expectCode(() => verify(chain(1, 0)), 'certificate_invalid');
    expectCode(() => verify(chain(2, 1)), 'certificate_invalid');
  });
});

describe('a chain', () => {
  it('comes back leaf first', () => {
    const [leaf, intermediate, root] = verify(ca.issue().chain);
    expect(leaf.subject.text).toBe('CN=leaf,O=Example,ST=WA,C=US');
    expect(intermediate?.subject.text).toContain('intermediate 1');
    expect(root?.subject.text).toContain('root');
  });

  it('may be one self-signed leaf', () => {
    expect(verify(createSelfSigned().chain)).toHaveLength(1);
  });

  it('of one leaf has to keep the rules for leaves', () => {
    const options: CertificateOptions = { keyUsage: { usages: ['keyCertSign'] } };
    expectCode(() => verify(createSelfSigned(options).chain), 'certificate_invalid');
    expectCode(() => verify([ca.root.der]), 'certificate_invalid');
  });

  it('of one self-signed leaf may not use SHA-1, which notation lets pass', () => {
    const options = { key: 'rsa-2048', signature: 'rsa-sha1' } as const;
    expectCode(() => verify(createSelfSigned(options).chain), 'algorithm_unsupported');
  });

  it('tells a leaf from its root by the signature when both have one name', () => {
    expect(verify(createCa().issue({ subject: subjectNamed('Test root') }).chain)).toHaveLength(2);
  });

  const chain = ca.issue().chain;
  const [leaf = Buffer.of(), intermediate = Buffer.of(), root = Buffer.of()] = chain;
  const other = createCa({ name: 'Other', intermediates: 1 });
  // A root's twin: same name and key, so that it could pass as the issuer of the other.
  const twin = createCa({ intermediates: 1, root: { serialNumber: 7 } }).root.der;

  it.each<[string, readonly Uint8Array[]]>([
    ['of nothing', []],
    ['of an issued leaf alone', [leaf]],
    ['without its root', [leaf, intermediate]],
    ['without its intermediate', [leaf, root]],
    ['with the root of another', [leaf, intermediate, other.root.der]],
    ['with the intermediate of another', [leaf, other.issuer.der, other.root.der]],
    ['with an unrelated certificate at the end', [leaf, intermediate, root, other.root.der]],
    ['with its root twice', [leaf, intermediate, root, root]],
    ['with a twin of its root', [leaf, intermediate, root, twin]],
    ['with a certificate after a self-signed leaf', [createSelfSigned().der, root]],
  ])('%s is refused', (_, certificates) => {
    expect(verify(chain)).toHaveLength(3);
    expectCode(() => verify(certificates), 'certificate_chain_invalid');
  });

  it.each<[string, readonly Uint8Array[]]>([
    ['from root to leaf', [root, intermediate, leaf]],
    ['in which a leaf issues', [leaf, leaf, intermediate, root]],
  ])('%s is refused', (_, certificates) => {
    expectCode(() => verify(certificates), 'certificate_invalid');
  });

  it('whose leaf names its issuer but was signed by another key is refused', () => {
    const forged = ca.issue({ signingKey: testKey('p256', 'forger') });
    expectCode(() => verify(forged.chain), 'certificate_chain_invalid');
  });

  it('whose leaf was signed by its issuer but names another is refused', () => {
    const misnamed = ca.issue({ issuerName: subjectNamed('nobody') });
    expectCode(() => verify(misnamed.chain), 'certificate_chain_invalid');
  });

  it('may be as long as the bound and no longer', () => {
    const long = (length: number): readonly Buffer[] =>
      createCa({ intermediates: length - 2 }).issue().chain;
    expect(verify(long(MAX_CHAIN_LENGTH))).toHaveLength(MAX_CHAIN_LENGTH);
    expectCode(() => verify(long(MAX_CHAIN_LENGTH + 1)), 'certificate_chain_invalid');
  });

  it('says which certificate breaks which rule', () => {
    const error = expectCode(
      () => verify(ca.issue({ keyUsage: null }).chain),
      'certificate_invalid',
    );
    expect(error.message).toBe(
      'certificate "CN=leaf,O=Example,ST=WA,C=US": it must have a key usage',
    );
  });
});
