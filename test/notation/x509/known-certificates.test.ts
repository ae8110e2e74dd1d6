// What is remembered of certificates changes no result: only bytes that were judged are known, and only good results.
import { describe, expect, it } from 'vitest';
import { parseCertificate } from '../../../agent/notation/x509/certificate.ts';
import { isIssuedBy, isSelfSigned } from '../../../agent/notation/x509/issuance.ts';
import {
  isKnownIssuer,
  parseKnownCertificate,
} from '../../../agent/notation/x509/known-certificates.ts';
import { createCa } from '../../support/ca.ts';
import { expectCode } from '../../support/expect-code.ts';

const ca = createCa({ name: 'Known' });
const leaf = ca.issue();
const parse = (der: Uint8Array) => parseKnownCertificate(der, 'test');

describe('a certificate that was met before', () => {
  it('is the same value, and what a new one would be', () => {
    const certificate = parse(leaf.der);
    expect(parse(new Uint8Array(leaf.der))).toBe(certificate);
    expect(certificate).toEqual(parseCertificate(new Uint8Array(leaf.der), 'test'));
  });

  it('is not changed by whoever handed its bytes over', () => {
    const bytes = new Uint8Array(ca.issue().der);
    const before = new Uint8Array(bytes);
    const certificate = parse(bytes);
    bytes.fill(0);
    expect(certificate.raw).toEqual(before);
    expectCode(() => parse(bytes), 'certificate_invalid');
    expect(parse(before)).toBe(certificate);
  });

  it('is refused as often as it is met when it is none', () => {
    const broken = leaf.der.subarray(1);
    for (let time = 0; time < 2; time += 1) {
      expectCode(() => parse(broken), 'certificate_invalid');
    }
  });

  it('is still right after more than are remembered', () => {
    const before = parse(leaf.der);
    const others = Array.from({ length: 120 }, () => ca.issue().der);
    for (const der of others) expect(parse(der).raw).toEqual(new Uint8Array(der));
    const again = parse(leaf.der);
    expect(again).not.toBe(before);
    expect(again).toEqual(before);
  });
});

describe('an issuer that was found before', () => {
  it('is known, and the answer stays', () => {
    const [certificate, root] = [parse(ca.issue().der), parse(ca.root.der)];
    expect(isKnownIssuer(certificate, root)).toBe(false);
    expect(isIssuedBy(certificate, root)).toBe(true);
    expect(isKnownIssuer(certificate, root)).toBe(true);
    expect(isIssuedBy(certificate, root)).toBe(true);
    expect(isSelfSigned(certificate)).toBe(false);
  });

  it('is no twin of the same name', () => {
    const certificate = parse(leaf.der);
    expect(isIssuedBy(certificate, parse(ca.root.der))).toBe(true);
    const twin = parse(createCa({ name: 'Known', key: 'rsa-2048' }).root.der);
    for (let time = 0; time < 2; time += 1) expect(isIssuedBy(certificate, twin)).toBe(false);
    expect(isKnownIssuer(certificate, twin)).toBe(false);
  });

  it('is not that of a certificate of which one byte is another', () => {
    const root = parse(ca.root.der);
    expect(isIssuedBy(parse(leaf.der), root)).toBe(true);
    const forged = new Uint8Array(leaf.der);
    const last = forged.length - 1;
    forged[last] = (forged[last] ?? 0) ^ 1;
    expect(isIssuedBy(parse(forged), root)).toBe(false);
  });

  it('is remembered of no value whose bytes others may change', () => {
    const bytes = new Uint8Array(leaf.der);
    const [mine, root] = [parseCertificate(bytes, 'test'), parse(ca.root.der)];
    expect(isIssuedBy(mine, root)).toBe(true);
    expect(isKnownIssuer(mine, root)).toBe(false);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    expect(isIssuedBy(mine, root)).toBe(false);
  });
});
