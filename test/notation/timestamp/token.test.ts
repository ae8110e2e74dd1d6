// The structure of tokens and of the TSTInfo inside: each rule with a token that keeps it and the same with that one thing broken.
import { describe, expect, it } from 'vitest';
import { verifyTimestamp } from '../../../agent/notation/timestamp/timestamp.ts';
import {
  MAX_TOKEN_BYTES,
  MAX_TOKEN_CERTIFICATES,
  MAX_TOKEN_SIGNERS,
} from '../../../agent/notation/timestamp/token.ts';
import { createCa } from '../../support/ca.ts';
import {
  boolean,
  der,
  explicit,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  utf8String,
} from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';
import { name } from '../../support/certificate.ts';
import { STAMP_TIME, tstInfo, type TstInfoOptions } from '../../support/tsa-info.ts';
import type { SignerOptions, TokenOptions } from '../../support/tsa.ts';
import { MESSAGE, trusting, TSA, verifyStamp } from './fixture.ts';

const NOTHING = Buffer.alloc(0);
const BASELINE_POLICY = '0.4.0.2023.1.1';
const SHA256 = objectIdentifier('2.16.840.1.101.3.4.2.1');
const refuse = (options: TokenOptions): string =>
  expectCode(() => verifyStamp(options), 'timestamp_invalid').message;

describe('a token', () => {
  it('gives the time, how accurate it is, and the chain of the authority to its root', () => {
    const { time, accuracyMs, chain } = verifyStamp();
    expect({ time, accuracyMs }).toEqual({ time: STAMP_TIME, accuracyMs: 1000 });
    expect(chain.map(({ raw }) => Buffer.from(raw))).toEqual(TSA.signer.chain);
  });

  it.each<[string, TokenOptions]>([
    ['with the whole chain', { certificates: TSA.signer.chain }],
    ['with its certificates in another order', { certificates: TSA.signer.chain.toReversed() }],
    ['with certificates of others', { certificates: [createCa().root.der, ...TSA.signer.chain] }],
    ['with revocation lists', { revocationLists: explicit(1, sequence()) }],
  ])('%s is accepted', (_, options) => {
    expect(verifyStamp(options).chain).toHaveLength(3);
  });

  it.each<[string, TokenOptions, string]>([
    ['is not signed data', { contentInfoType: '1.2.840.113549.1.7.1' }, 'content type'],
    ['holds other content', { contentType: '1.2.840.113549.1.7.1' }, 'encapsulated content type'],
    ['is of version 1', { signedDataVersion: 1 }, 'version 3'],
    ['is of version 4', { signedDataVersion: 4 }, 'version 3'],
    ['has no signer', { signers: [] }, 'expected a signer, found none'],
    ['has no certificates', { certificates: null }, 'certificate of its signer'],
    ['lacks the certificate of its signer', { certificates: TSA.signer.chain.slice(1) }, 'signer'],
    ['holds a certificate of another kind', { certificates: [explicit(1, sequence())] }, '0xa1'],
    ['holds no TSTInfo', { content: NOTHING }, 'TSTInfo'],
    ['holds more than a TSTInfo', { info: { trailer: nullValue() } }, 'nothing more'],
  ])('that %s is refused', (_, options, message) => {
    expect(refuse(options)).toContain(message);
  });

  it('that holds a malformed certificate is refused', () => {
    const certificates = [...TSA.signer.chain, sequence(integer(1))];
    expectCode(() => verifyStamp({ certificates }), 'certificate_invalid');
  });

  it('that is missing is told from one that is empty', () => {
    const verify = (token?: Uint8Array): unknown =>
      verifyTimestamp(token, MESSAGE, trusting(TSA.root));
    expectCode(() => verify(), 'timestamp_missing');
    expectCode(() => verify(NOTHING), 'timestamp_invalid');
  });

  it('is over this signature and no other', () => {
    const token = TSA.stamp(MESSAGE);
    const other = Buffer.from('another signature');
    expectCode(() => verifyTimestamp(token, other, trusting(TSA.root)), 'timestamp_mismatch');
  });

  it.each([
    ['trailing bytes', (token: Buffer) => Buffer.concat([token, NOTHING, Buffer.of(0)])],
    ['a byte missing', (token: Buffer) => token.subarray(0, -1)],
    [
      'an indefinite length',
      (token: Buffer) => Buffer.concat([Buffer.of(0x30, 0x80), token.subarray(4), Buffer.of(0, 0)]),
    ],
    [
      'a length that is too long',
      (token: Buffer) => Buffer.concat([Buffer.of(0x30, 0x83, 0), token.subarray(2)]),
    ],
  ])('with %s is refused', (_, spoil) => {
    const token = spoil(TSA.stamp(MESSAGE));
    expectCode(() => verifyTimestamp(token, MESSAGE, trusting(TSA.root)), 'timestamp_invalid');
  });

  it('with content in pieces, as BER allows, is refused', () => {
    const token = TSA.stamp(MESSAGE);
    const wrapper = token.indexOf(octetString(tstInfo(MESSAGE)));
    expect(wrapper).toBeGreaterThan(0);
    token[wrapper] = 0x24;
    expectCode(() => verifyTimestamp(token, MESSAGE, trusting(TSA.root)), 'timestamp_invalid');
  });

  it('has at most so many bytes', () => {
    const padded = (bytes: number): TokenOptions => ({
      revocationLists: explicit(1, octetString(Buffer.alloc(bytes))),
    });
    const overhead = TSA.stamp(MESSAGE, padded(MAX_TOKEN_BYTES / 2)).length - MAX_TOKEN_BYTES / 2;
    // ECDSA signatures differ in length by a byte or two.
    expect(verifyStamp(padded(MAX_TOKEN_BYTES - overhead - 8)).chain).toHaveLength(3);
    expect(refuse(padded(MAX_TOKEN_BYTES))).toContain(`${MAX_TOKEN_BYTES} bytes`);
  });

  it('has at most so many certificates', () => {
    const certificates = Array<Buffer>(MAX_TOKEN_CERTIFICATES - 1).fill(
      TSA.signer.chain[1] ?? NOTHING,
    );
    expect(verifyStamp({ certificates: [...certificates, TSA.signer.der] }).chain).toHaveLength(3);
    expect(refuse({ certificates: [...certificates, TSA.signer.der, TSA.signer.der] })).toContain(
      `at most ${MAX_TOKEN_CERTIFICATES} certificates`,
    );
  });

  it('has at most so many signers', () => {
    const bad = Array<SignerOptions>(MAX_TOKEN_SIGNERS - 1).fill({ version: 3 });
    expect(verifyStamp({ signers: [...bad, {}] }).chain).toHaveLength(3);
    expect(refuse({ signers: [{}, ...bad, {}] })).toContain(`at most ${MAX_TOKEN_SIGNERS} signers`);
  });
});

describe('a TSTInfo', () => {
  it.each<[string, TstInfoOptions]>([
    ['with a SHA-384 imprint', { hash: 'sha384' }],
    ['with a SHA-512 imprint', { hash: 'sha512' }],
    ['whose hash has no parameters', { hashIdentifier: sequence(SHA256) }],
    ['that says FALSE for the default', { ordering: false }],
    ['that is ordered', { ordering: true }],
    ['with a nonce', { nonce: integer(0x1234_5678_9abcn) }],
    ['with a negative nonce', { nonce: der(0x02, Buffer.of(0x80)) }],
    ['with a long serial number', { serialNumber: integer(2n ** 159n) }],
    ['with the name of its authority', { authority: explicit(4, name([['CN', 'x']])) }],
    [
      'with extensions',
      { extensions: [sequence(objectIdentifier('1.2.3'), octetString(NOTHING))] },
    ],
  ])('%s is accepted', (_, info) => {
    expect(verifyStamp({ info }).time).toEqual(STAMP_TIME);
  });

  it.each<[string, TstInfoOptions, string]>([
    ['of version 0', { version: 0 }, 'expected version 1, found 0'],
    ['of version 2', { version: 2 }, 'expected version 1, found 2'],
    ['with an imprint that is cut', { imprint: Buffer.alloc(31) }, 'expected 32 bytes'],
    ['with a serial number that is padded', { serialNumber: der(2, Buffer.of(0, 1)) }, 'shortest'],
    ['with a nonce that is padded', { nonce: der(2, Buffer.of(0, 1)) }, 'shortest'],
    [
      'with a critical extension',
      { extensions: [sequence(objectIdentifier('1.2.3'), boolean(true), octetString(NOTHING))] },
      'no critical extension, found 1.2.3',
    ],
    ['with an extension that is none', { extensions: [utf8String('x')] }, 'extension'],
  ])('%s is refused', (_, info, message) => {
    expect(refuse({ info })).toContain(message);
  });

  it.each<[string, TstInfoOptions]>([
    ['SHA-1', { hash: 'sha1' }],
    ['a hash with parameters', { hashIdentifier: sequence(SHA256, integer(1)) }],
  ])('with an imprint by %s is refused', (_, info) => {
    expectCode(() => verifyStamp({ info }), 'algorithm_unsupported');
  });

  it.each([
    ['20260102030406Z', '2026-01-02T03:04:06.000Z'],
    ['20260102030406.5Z', '2026-01-02T03:04:06.500Z'],
    ['20260102030406.123Z', '2026-01-02T03:04:06.123Z'],
    ['20260102030406.001999999Z', '2026-01-02T03:04:06.001Z'],
  ])('of %s is of %s', (time, iso) => {
    expect(verifyStamp({ info: { time } }).time.toISOString()).toBe(iso);
  });

  it.each([
    '20260102030406',
    '202601020304Z',
    '20260102030406.Z',
    '20260102030406.50Z',
    '20260102030406.0Z',
    '20260102030406,5Z',
    '20260102030406+0000',
    '20260230030406Z',
    '20260102240000Z',
    '20260102030460Z',
    '260102030406Z',
    '',
  ])('of %j is refused', (time) => {
    refuse({ info: { time } });
  });

  it.each<[string, number, TstInfoOptions]>([
    ['seconds', 3000, { accuracy: { seconds: 3 } }],
    ['milliseconds', 500, { accuracy: { millis: 500 } }],
    ['microseconds', 0.25, { accuracy: { micros: 250 } }],
    ['all of them', 1_002.003, { accuracy: { seconds: 1, millis: 2, micros: 3 } }],
    ['none of them', 0, { accuracy: {} }],
    ['nothing', 0, { accuracy: null }],
    ['zeros', 0, { accuracy: { seconds: 0, millis: 0, micros: 0 } }],
    ['nothing, under the baseline policy', 1000, { accuracy: null, policy: BASELINE_POLICY }],
    ['none, under the baseline policy', 1000, { accuracy: {}, policy: BASELINE_POLICY }],
    [
      'zero, under the baseline policy',
      1000,
      { accuracy: { seconds: 0 }, policy: BASELINE_POLICY },
    ],
    ['better, under that policy', 1, { accuracy: { millis: 1 }, policy: BASELINE_POLICY }],
  ])('accurate to %s is so to %d ms', (_, accuracyMs, info) => {
    expect(verifyStamp({ info }).accuracyMs).toBeCloseTo(accuracyMs, 9);
  });

  it.each<[string, TstInfoOptions]>([
    ['1000 milliseconds', { accuracy: { millis: 1000 } }],
    ['1000 microseconds', { accuracy: { micros: 1000 } }],
    ['fewer than no seconds', { accuracy: sequence(der(0x02, Buffer.of(0xff))) }],
    ['more seconds than fit', { accuracy: sequence(integer(2n ** 31n)) }],
    ['parts in another order', { accuracy: sequence(der(0x81, Buffer.of(1)), integer(1)) }],
  ])('accurate to %s is refused', (_, info) => {
    refuse({ info });
  });
});
