import { describe, expect, it } from 'vitest';
import {
  MAX_CRL_BYTES,
  parseCertificateList,
} from '../../../agent/notation/revocation/certificate-list.ts';
import { crlStatus, verifyCrl } from '../../../agent/notation/revocation/crl.ts';
import type { RevocationStatus } from '../../../agent/notation/revocation/status.ts';
import { createCa } from '../../support/ca.ts';
import { crlEntry, type CrlOptions, mintCrl, type TestCrlEntry } from '../../support/crl.ts';
import { integer, nullValue, sequence, time } from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';
import { testKey } from '../../support/keys.ts';
import { serialOf } from '../../support/ocsp.ts';
import { CA, hoursFromNow, issuedBy, NOW, OTHER_CA, parsed } from './fixture.ts';

const ISSUER = CA.issuer;
const LEAF = CA.issue();
const ISSUED = issuedBy(ISSUER, LEAF);
const SERIAL = serialOf(LEAF);
const ADDRESS = 'http://crl.example/1.crl';
const DELTA_ADDRESS = 'http://crl.example/delta.crl';
const AT = new Date('2026-02-01T00:00:00Z');
const UNKNOWN_CRITICAL = { oid: '1.3.6.1.4.1.99999.1', critical: true, value: nullValue() };

function verify(options: CrlOptions = {}) {
  return verifyCrl(mintCrl(ISSUER, { now: NOW, ...options }), parsed(ISSUER), NOW, 'CRL');
}

function statusOf(options: CrlOptions = {}, signingTime?: Date, issued = ISSUED): RevocationStatus {
  const lists = { base: verify(options), delta: undefined, addresses: [ADDRESS] };
  return crlStatus(lists, issued, signingTime);
}

function invalid(options: CrlOptions): string {
  return expectCode(() => statusOf(options), 'revocation_evidence_invalid').message;
}

describe('a CRL', () => {
  it('says that a certificate is good which it does not list', () => {
    expect(statusOf()).toMatchObject({ kind: 'good', source: 'crl' });
    expect(statusOf({ entries: [{ serialNumber: SERIAL + 1n }] }).kind).toBe('good');
    expect(statusOf({ version: null, number: null }).kind).toBe('good');
  });

  it.each([undefined, 0, 1, 4, 6])('says that one is revoked, for reason %s', (reason) => {
    const entry = { serialNumber: SERIAL, revokedAt: AT, ...(reason && { reason }) };
    const entries = [{ serialNumber: 7 }, entry, { serialNumber: 8, reason: 1 }];
    expect(statusOf({ entries })).toMatchObject({ kind: 'revoked', at: AT, source: 'crl' });
  });

  it('is not misled by the octets of a serial number elsewhere', () => {
    const octets = Buffer.from(SERIAL.toString(16).padStart(4, '0'), 'hex');
    const value = Buffer.concat([Buffer.of(0x02, octets.length), octets]);
    const extensions = [{ oid: '1.3.6.1.4.1.99999.2', critical: false, value }];
    const longer = SERIAL * 256n + 1n;
    const entries = [{ serialNumber: 7, extensions }, { serialNumber: longer }];
    expect(statusOf({ entries }).kind).toBe('good');
  });

  it('may be signed by RSA and RSA-PSS, but not over SHA-1', () => {
    const ca = createCa({ name: 'RSA', key: 'rsa-2048' });
    for (const signature of ['rsa-sha256', 'pss-sha384'] as const) {
      const list = mintCrl(ca.issuer, { now: NOW, signature });
      expect(verifyCrl(list, parsed(ca.issuer), NOW, 'CRL').entries.find(Buffer.of(1))).toEqual([]);
    }
    expect(invalid({ signature: 'ecdsa-sha1' })).toContain('expected RSA, RSA-PSS or ECDSA');
  });

  it('must be of the issuer, by name and by key', () => {
    expect(invalid({ issuerName: OTHER_CA.issuer.subject })).toContain('expected a CRL of');
    expect(invalid({ signingKey: testKey('p256', 'forger') })).toContain('expected the signature');
  });

  it('must be of an issuer that may sign CRLs', () => {
    const ca = createCa({ root: { keyUsage: { usages: ['keyCertSign'] } } });
    const list = mintCrl(ca.issuer, { now: NOW });
    const { message } = expectCode(
      () => verifyCrl(list, parsed(ca.issuer), NOW, 'CRL'),
      'revocation_evidence_invalid',
    );
    expect(message).toContain('cRLSign');
  });

  it('must have a next update that has not passed', () => {
    expect(statusOf({ nextUpdate: NOW }).kind).toBe('good');
    expect(invalid({ nextUpdate: hoursFromNow(-1) })).toContain('next update');
    expect(invalid({ nextUpdate: null })).toContain('expected a next update, found none');
  });

  it('must not come from the future, but for what clocks differ', () => {
    expect(statusOf({ thisUpdate: hoursFromNow(5 / 60) }).kind).toBe('good');
    expect(invalid({ thisUpdate: hoursFromNow(6 / 60) })).toContain('this update');
  });

  it('must not have critical extensions that are not understood, in no entry either', () => {
    const harmless = { ...UNKNOWN_CRITICAL, critical: false };
    expect(statusOf({ extensions: [harmless] }).kind).toBe('good');
    expect(invalid({ extensions: [UNKNOWN_CRITICAL] })).toContain('critical');
    expect(statusOf({ entries: [{ serialNumber: 7, extensions: [harmless] }] }).kind).toBe('good');
    const entries = [{ serialNumber: 7, extensions: [UNKNOWN_CRITICAL] }, { serialNumber: 8 }];
    expect(invalid({ entries })).toContain('critical');
    const critical = { oid: '2.5.29.24', critical: true, value: Buffer.of(0x05, 0) };
    expect(statusOf({ entries: [{ serialNumber: 7, extensions: [critical] }] }).kind).toBe('good');
  });

  it.each([
    ['version 3', { version: 2 }],
    ['extensions without a version', { version: null }],
    ['removeFromCRL', { entries: [{ serialNumber: Number(SERIAL), reason: 8 }] }],
    ['a negative number', { number: null, extensions: [numberOf(Buffer.of(2, 1, 0x80))] }],
    ['a long number', { number: null, extensions: [numberOf(integer(1n << 160n))] }],
    ['an extension twice', { extensions: [numberOf(integer(1))] }],
    [
      'nine entries for one',
      { entries: Array<TestCrlEntry>(9).fill({ serialNumber: Number(SERIAL) }) },
    ],
    ['only the changes', { deltaBase: 9 }],
  ] satisfies [string, CrlOptions][])('must not have %s', (_, options) => {
    expect(invalid(options)).toContain('CRL');
  });

  it('has at most 32 MiB and 32 extensions', () => {
    const { message } = expectCode(
      () => parseCertificateList(Buffer.alloc(MAX_CRL_BYTES + 1), 'CRL'),
      'revocation_evidence_invalid',
    );
    expect(message).toContain(`at most ${MAX_CRL_BYTES} bytes`);
    const extensions = Array.from({ length: 32 }, (_, index) => ({
      oid: `1.3.6.1.4.1.99999.${index}`,
      critical: false,
      value: nullValue(),
    }));
    expect(statusOf({ number: null, extensions }).kind).toBe('good');
    expect(invalid({ extensions })).toContain('at most 32 extensions');
  });

  it('must repeat its signature algorithm', () => {
    const list = mintCrl(ISSUER, { now: NOW });
    const oid = Buffer.from('2a8648ce3d040302', 'hex');
    list[list.lastIndexOf(oid) + 7] = 3;
    expectCode(() => verifyCrl(list, parsed(ISSUER), NOW, 'CRL'), 'revocation_evidence_invalid');
  });
});

function numberOf(value: Buffer) {
  return { oid: '2.5.29.20', critical: false, value };
}

describe('an entry', () => {
  const entry = crlEntry({ serialNumber: SERIAL, reason: 1 });

  it.each([
    ['no sequence', Buffer.of(0x04, 0)],
    ['a length that ends too late', Buffer.of(0x30, 9)],
    ['a serial number that is not', sequence(nullValue(), time(AT))],
    ['an empty serial number', sequence(Buffer.of(2, 0), time(AT))],
    ['a padded serial number', sequence(Buffer.of(2, 2, 0, 5), time(AT))],
    ['a padded negative serial number', sequence(Buffer.of(2, 2, 0xff, 0x80), time(AT))],
    ['no time', sequence(integer(5))],
    ['something after its extensions', sequence(integer(5), time(AT), sequence(), nullValue())],
    ['a length in a longer form', Buffer.concat([Buffer.of(0x30, 0x81, 3), integer(5)])],
    ['an indefinite length', Buffer.of(0x30, 0x80, 2, 1, 5, 0, 0)],
    ['an extension with more than a value', sequence(integer(5), time(AT), sequence(extension()))],
    ['half of a length', Buffer.of(0x30, 0x82)],
    ['a boolean of two octets', sequence(integer(5), time(AT), sequence(flagged('0102ff00')))],
    ['a boolean of another octet', sequence(integer(5), time(AT), sequence(flagged('010101')))],
  ])('must not be, or have, %s', (_, bad) => {
    const entriesDer = Buffer.concat([entry, bad]);
    expect(invalid({ entriesDer })).toContain('entries');
  });

  function flagged(flag: string): Buffer {
    return sequence(Buffer.from(`0603551d15${flag}0400`, 'hex'));
  }

  function extension(): Buffer {
    const name = Buffer.from('0603551d15', 'hex');
    return sequence(name, Buffer.from('0400', 'hex'), nullValue());
  }

  it('is checked within only if it is the one', () => {
    const bad = sequence(integer(SERIAL), Buffer.from('170161', 'hex'));
    expect(invalid({ entriesDer: bad })).toContain('revocation date');
    const other = sequence(integer(SERIAL + 1n), Buffer.from('170161', 'hex'));
    expect(statusOf({ entriesDer: other }).kind).toBe('good');
  });
});

describe('the invalidity date of an entry', () => {
  const entries = [{ serialNumber: SERIAL, invalidityDate: hoursFromNow(-10) }];

  it.each([
    ['good', hoursFromNow(-11)],
    ['revoked', hoursFromNow(-10)],
    ['revoked', undefined],
  ])('leaves a certificate %s that signed at %s', (kind, signingTime) => {
    expect(statusOf({ entries }, signingTime).kind).toBe(kind);
  });
});

describe('an issuing distribution point', () => {
  const user = ISSUED;
  const ca = issuedBy(ISSUER, CA.root);
  const unknown = (options: CrlOptions, issued = user): string =>
    expectCode(() => statusOf(options, undefined, issued), 'revocation_unknown').message;

  it('covers a certificate that names one of its addresses', () => {
    const uris = ['ldap://crl.example/cn=1', ADDRESS];
    expect(statusOf({ point: { uris } }).kind).toBe('good');
    expect(unknown({ point: { uris: ['http://crl.example/2.crl'] } })).toContain('2.crl');
    expect(unknown({ point: { relative: true } })).toContain('without an address');
    expect(unknown({ point: { uris: [] } })).toContain('without an address');
  });

  it('covers CAs only, or all others only', () => {
    expect(statusOf({ point: { onlyUserCerts: true } }).kind).toBe('good');
    expect(statusOf({ point: { onlyCaCerts: true } }, undefined, ca).kind).toBe('good');
    expect(unknown({ point: { onlyUserCerts: true } }, ca)).toContain(
      'certificates that are no CA',
    );
    expect(unknown({ point: { onlyCaCerts: true } })).toContain('CA certificates');
    expect(unknown({ point: { onlyAttributeCerts: true } })).toContain('attribute certificates');
  });

  it('of several issuers is not used', () => {
    expect(unknown({ point: { indirect: true } })).toContain('several issuers');
  });

  it('of some reasons can say that a certificate is revoked, but not that it is good', () => {
    const point = { onlySomeReasons: true };
    expect(unknown({ point })).toContain('for all reasons');
    expect(statusOf({ point, entries: [{ serialNumber: SERIAL }] }).kind).toBe('revoked');
  });
});

describe('a delta CRL', () => {
  const HOLD = { serialNumber: SERIAL, reason: 6, revokedAt: AT };
  const REMOVED = { serialNumber: SERIAL, reason: 8, revokedAt: AT };
  const FOR_GOOD = { serialNumber: SERIAL, reason: 1, revokedAt: AT };

  function joined(base: CrlOptions, delta: CrlOptions, signingTime?: Date): RevocationStatus {
    const lists = {
      base: verify({ freshest: [DELTA_ADDRESS], number: 10, ...base }),
      delta: verify({ deltaBase: 10, number: 12, ...delta }),
      addresses: [ADDRESS],
    };
    return crlStatus(lists, ISSUED, signingTime);
  }

  it.each([
    ['good', '', ''],
    ['revoked', '', 'for good'],
    ['revoked', '', 'hold'],
    ['revoked', 'hold', ''],
    ['good', 'hold', 'removed'],
    ['revoked', 'hold', 'for good'],
    ['revoked', 'hold', 'removed, hold'],
    ['revoked', 'for good', ''],
    ['revoked', 'for good', 'removed'],
    ['good', '', 'removed'],
  ])('makes a certificate %s with "%s" and then "%s"', (kind, base, delta) => {
    expect(joined({ entries: entriesOf(base) }, { entries: entriesOf(delta) }).kind).toBe(kind);
  });

  function entriesOf(words: string): TestCrlEntry[] {
    const known = new Map([
      ['hold', HOLD],
      ['removed', REMOVED],
      ['for good', FOR_GOOD],
    ]);
    return words.split(', ').flatMap((word) => known.get(word) ?? []);
  }

  it('has invalidity dates like any other', () => {
    const delta = { entries: [{ ...FOR_GOOD, invalidityDate: hoursFromNow(-10) }] };
    expect(joined({}, delta, hoursFromNow(-11)).kind).toBe('good');
    expect(joined({}, delta, hoursFromNow(-9)).kind).toBe('revoked');
    const removed = { entries: [{ ...REMOVED, invalidityDate: hoursFromNow(-10) }] };
    expect(joined({ entries: [HOLD] }, removed, hoursFromNow(-11)).kind).toBe('good');
  });

  it('adds nothing when the complete one is as new', () => {
    const older = { deltaBase: 8, number: 10, entries: [REMOVED] };
    expect(joined({ entries: [HOLD] }, older).kind).toBe('revoked');
    expect(joined({}, { ...older, entries: [FOR_GOOD] }).kind).toBe('good');
  });

  it.each([
    ['a number', {}, { number: null }],
    ['an indicator', {}, { extensions: [], deltaBase: undefined as never }],
    ['a complete one with a number', { number: null }, {}],
    ['a complete one that is new enough', {}, { deltaBase: 11 }],
    ['the distribution point of the complete one', {}, { point: { onlyUserCerts: true } }],
  ])('needs %s', (_, base, delta) => {
    expect(joined({}, {}).kind).toBe('good');
    expectCode(() => joined(base, delta), 'revocation_evidence_invalid');
  });

  it('may have a distribution point if it is the same', () => {
    const point = { uris: [ADDRESS] };
    expect(joined({ point }, { point }).kind).toBe('good');
  });

  it('must be there if the CRL names one, or the certificate does', () => {
    expectCode(() => statusOf({ freshest: [DELTA_ADDRESS] }), 'revocation_unknown');
    const freshest = { oid: '2.5.29.46', critical: false, value: sequence() };
    const issued = issuedBy(ISSUER, CA.issue({ extensions: [freshest] }));
    expectCode(() => statusOf({}, undefined, issued), 'revocation_unknown');
  });
});
