// What a trust store may hold, and when its hash changes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import type { TrustStoreName } from '../../../agent/notation/trustpolicy/trust-store-name.ts';
import {
  parseStoreFile,
  trustHash,
  type TrustStore,
} from '../../../agent/verifier/truststore/trust-store.ts';
import { createCa, createSelfSigned } from '../../support/ca.ts';
import { mintCertificate } from '../../support/certificate.ts';
import { expectCode } from '../../support/expect-code.ts';

const ca = createCa({ intermediates: 1 });
const other = createCa({ name: 'Other' });
const leaf = ca.issue();
const selfSigned = createSelfSigned();

const parse = (bytes: Uint8Array, store: TrustStoreName = 'ca:acme') =>
  parseStoreFile(bytes, store, 'file');
const pem = (...texts: string[]) => Buffer.from(texts.join('\n'));

describe('parseStoreFile', () => {
  it.each([
    ['a root', ca.root.der],
    ['an intermediate', ca.issuer.der],
    ['a self-signed leaf', selfSigned.der],
    [
      'an expired CA',
      createCa({ root: { notAfter: new Date(0), notBefore: new Date(0) } }).root.der,
    ],
  ])('accepts %s in DER', (_, der) => {
    expect(parse(der).map(({ raw }) => Buffer.compare(raw, der))).toEqual([0]);
  });

  it('reads every certificate of a PEM file and of DER in a row, in order', () => {
    const expected = [ca.root.der, other.root.der].map((der) => der.toString('hex'));
    for (const bytes of [
      pem('# two roots', ca.root.pem, other.root.pem),
      Buffer.concat([ca.root.der, other.root.der]),
    ]) {
      expect(parse(bytes).map(({ raw }) => Buffer.from(raw).toString('hex'))).toEqual(expected);
    }
  });

  it('accepts for signatures what it refuses as time-stamping root', () => {
    const mayNotSign = createCa({ root: { keyUsage: { usages: ['cRLSign'] } } }).root;
    for (const { der } of [ca.issuer, selfSigned, mayNotSign]) {
      expect(parse(der, 'signingAuthority:acme')).toHaveLength(1);
    }
    const { root } = createCa({ root: { keyUsage: null } });
    expect(parse(root.der, 'tsa:acme')).toHaveLength(1);
  });

  it('accepts a root in every type of store', () => {
    for (const store of ['ca:a', 'signingAuthority:a', 'tsa:a'] as const) {
      expect(parse(ca.root.der, store)).toHaveLength(1);
    }
  });

  it.each<[string, Uint8Array, TrustStoreName]>([
    ['a leaf that a CA issued', leaf.der, 'ca:acme'],
    ['an intermediate as time-stamping root', ca.issuer.der, 'tsa:acme'],
    ['a self-signed leaf as time-stamping root', selfSigned.der, 'tsa:acme'],
    [
      'a root that may not sign certificates as time-stamping root',
      createCa({ root: { keyUsage: { usages: ['cRLSign'] } } }).root.der,
      'tsa:acme',
    ],
    [
      'a CA that names itself as issuer but is signed by another as time-stamping root',
      mintCertificate({ signingKey: other.root.key, basicConstraints: { ca: true } }).der,
      'tsa:acme',
    ],
    [
      'a root with a signature by SHA-1 as time-stamping root',
      createCa({ root: { signature: 'ecdsa-sha1' } }).root.der,
      'tsa:acme',
    ],
    [
      'a leaf that names itself as issuer but is signed by another',
      mintCertificate({ signingKey: other.root.key, basicConstraints: null }).der,
      'ca:acme',
    ],
    [
      'a self-signed leaf with a signature by SHA-1',
      createSelfSigned({ signature: 'ecdsa-sha1' }).der,
      'ca:acme',
    ],
    ['a good certificate before a bad one', pem(ca.root.pem, leaf.pem), 'ca:acme'],
    ['a private key', pem('-----BEGIN PRIVATE KEY-----', '-----END PRIVATE KEY-----'), 'ca:acme'],
    ['PEM without certificates', pem('-----BEGIN '), 'ca:acme'],
    ['DER that is cut', ca.root.der.subarray(0, -1), 'ca:acme'],
    ['DER with a byte too many', Buffer.concat([ca.root.der, Buffer.of(0)]), 'ca:acme'],
    ['DER that is no certificate', Buffer.of(0x30, 0x00), 'ca:acme'],
    ['text', pem('readme'), 'ca:acme'],
    ['an empty file', pem(''), 'ca:acme'],
  ])('refuses %s', (_, bytes, store) => {
    const { message } = expectCode(() => parse(bytes, store), 'truststore_invalid');
    expect(message).toMatch(/^file/);
  });

  it('names the certificate that it refuses', () => {
    const { message } = expectCode(() => parse(pem(ca.root.pem, leaf.pem)), 'truststore_invalid');
    expect(message).toContain('file, certificate 2: expected a CA certificate or a self-signed');
  });

  it('returns certificates or throws an AgentError, whatever it is given', () => {
    const mutated = fc
      .tuple(fc.nat(ca.root.der.length - 1), fc.nat(255))
      .map(([at, byte]) => Uint8Array.from(ca.root.der.with(at, byte)));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mutated), (bytes) => {
        try {
          expect(parse(bytes).length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
          expect((error as AgentError).code).toBe('truststore_invalid');
        }
      }),
    );
  });
});

describe('trustHash', () => {
  const store = (name: TrustStoreName, ...ders: Uint8Array[]): TrustStore => ({
    name,
    certificates: ders.flatMap((der) => parse(der)),
  });
  const both = trustHash([store('ca:a', ca.root.der, other.root.der)]);

  it('does not depend on order or repetition', () => {
    expect(trustHash([store('ca:a', other.root.der, ca.root.der, ca.root.der)])).toBe(both);
  });

  it.each([
    ['one certificate less', [store('ca:a', ca.root.der)]],
    ['another name of the store', [store('ca:b', ca.root.der, other.root.der)]],
    ['another type of store', [store('signingAuthority:a', ca.root.der, other.root.der)]],
    [
      'a certificate in another store',
      [store('ca:a', ca.root.der), store('tsa:a', other.root.der)],
    ],
    ['nothing', []],
  ])('changes with %s', (_, stores) => {
    expect(trustHash(stores)).not.toBe(both);
  });
});
