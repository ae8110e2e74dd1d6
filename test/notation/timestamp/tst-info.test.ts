// What an authority says in a TSTInfo: each rule with one that keeps it and the same with that one thing broken.
import { describe, expect, it } from 'vitest';
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
import { withSomethingMore } from '../../support/der-variants.ts';
import { expectCode } from '../../support/expect-code.ts';
import { name } from '../../support/certificate.ts';
import { STAMP_TIME, tstInfo, type TstInfoOptions } from '../../support/tsa-info.ts';
import { type TokenOptions } from '../../support/tsa.ts';
import { MESSAGE, verifyStamp } from './fixture.ts';

const NOTHING = Buffer.alloc(0);
const BASELINE_POLICY = '0.4.0.2023.1.1';
const SHA256 = objectIdentifier('2.16.840.1.101.3.4.2.1');
const refuse = (options: TokenOptions): string =>
  expectCode(() => verifyStamp(options), 'timestamp_invalid').message;

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

  it('has nothing more in any place', () => {
    const info = tstInfo(MESSAGE, {
      accuracy: { seconds: 1, millis: 999, micros: 999 },
      nonce: integer(1),
      extensions: [sequence(objectIdentifier('1.2.3'), octetString(NOTHING))],
    });
    expect(verifyStamp({ content: info }).accuracyMs).toBeCloseTo(1999.999, 9);
    const variants = withSomethingMore(info);
    expect(variants).toHaveLength(6);
    for (const content of [...variants, Buffer.concat([info, nullValue()])]) {
      expect(refuse({ content })).toMatch(/nothing more|extension|0x05/);
    }
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
