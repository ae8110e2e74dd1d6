// Chains, whatever they are for: their order, who issued whom, and their length.
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../agent/errors.ts';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import { type CertificateChain, MAX_CHAIN_LENGTH } from '../../../agent/notation/x509/chain.ts';
import { verifyCodeSigningChain } from '../../../agent/notation/x509/code-signing.ts';
import { createCa, createSelfSigned, subjectNamed } from '../../support/ca.ts';
import { expectCode } from '../../support/expect-code.ts';
import { testKey } from '../../support/keys.ts';

const verify = (ders: readonly Uint8Array[]): CertificateChain =>
  verifyCodeSigningChain(ders.map((der, index) => parseCertificate(der, `certificate ${index}`)));
const ca = createCa({ intermediates: 1 });

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

  it('tells a leaf from its root by the signature when both have one name', () => {
    expect(verify(createCa().issue({ subject: subjectNamed('Test root') }).chain)).toHaveLength(2);
  });

  const chain = ca.issue().chain;
  const [leaf = Buffer.of(), intermediate = Buffer.of(), root = Buffer.of()] = chain;
  const other = createCa({ name: 'Other', intermediates: 1 });
  // A root's twin: same name and key, so that it could pass as the issuer of the other.
  const twin = createCa({ intermediates: 1, root: { serialNumber: 7 } }).root.der;

  it.each<[string, ErrorCode, readonly Uint8Array[]]>([
    ['of nothing', 'certificate_chain_invalid', []],
    ['of an issued leaf alone', 'certificate_not_self_signed', [leaf]],
    ['without its root', 'certificate_not_self_signed', [leaf, intermediate]],
    ['without its intermediate', 'certificate_not_issued_by_next', [leaf, root]],
    [
      'with the root of another',
      'certificate_not_issued_by_next',
      [leaf, intermediate, other.root.der],
    ],
    [
      'with the intermediate of another',
      'certificate_not_issued_by_next',
      [leaf, other.issuer.der, other.root.der],
    ],
    [
      'with an unrelated certificate at the end',
      'certificate_self_signed',
      [leaf, intermediate, root, other.root.der],
    ],
    ['with its root twice', 'certificate_self_signed', [leaf, intermediate, root, root]],
    ['with a twin of its root', 'certificate_self_signed', [leaf, intermediate, root, twin]],
    [
      'with a certificate after a self-signed leaf',
      'certificate_self_signed',
      [createSelfSigned().der, root],
    ],
  ])('%s is refused', (_, code, certificates) => {
    expect(verify(chain)).toHaveLength(3);
    expectCode(() => verify(certificates), code);
  });

  it.each<[string, ErrorCode, readonly Uint8Array[]]>([
    ['from root to leaf', 'certificate_leaf_is_ca', [root, intermediate, leaf]],
    ['in which a leaf issues', 'certificate_not_ca', [leaf, leaf, intermediate, root]],
  ])('%s is refused', (_, code, certificates) => {
    expectCode(() => verify(certificates), code);
  });

  it('whose leaf names its issuer but was signed by another key is refused', () => {
    const forged = ca.issue({ signingKey: testKey('p256', 'forger') });
    expectCode(() => verify(forged.chain), 'certificate_not_issued_by_next');
  });

  it('whose leaf was signed by its issuer but names another is refused', () => {
    const misnamed = ca.issue({ issuerName: subjectNamed('nobody') });
    expectCode(() => verify(misnamed.chain), 'certificate_not_issued_by_next');
  });

  it('may be as long as the bound and no longer', () => {
    const long = (length: number): readonly Buffer[] =>
      createCa({ intermediates: length - 2 }).issue().chain;
    expect(verify(long(MAX_CHAIN_LENGTH))).toHaveLength(MAX_CHAIN_LENGTH);
    expectCode(() => verify(long(MAX_CHAIN_LENGTH + 1)), 'certificate_chain_invalid');
  });
});
