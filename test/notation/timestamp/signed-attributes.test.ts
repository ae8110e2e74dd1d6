// What a signer signs besides the content: each rule with attributes that keep it and the same with that one thing broken.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MAX_SIGNED_ATTRIBUTES } from '../../../agent/notation/timestamp/signed-attributes.ts';
import {
  der,
  integer,
  nullValue,
  objectIdentifier,
  octetString,
  sequence,
  set,
} from '../../support/der.ts';
import { expectCode } from '../../support/expect-code.ts';
import { STAMP_TIME } from '../../support/tsa-info.ts';
import { ATTRIBUTES, type SignerOptions, TST_INFO } from '../../support/tsa.ts';
import { MESSAGE, TSA, verifyStamp } from './fixture.ts';

const refuse = (options: SignerOptions): string =>
  expectCode(() => verifyStamp(options), 'timestamp_invalid').message;

describe('signed attributes', () => {
  it('have to be there, whatever else is signed', () => {
    expect(refuse({ editAttributes: null })).toContain('signed attributes');
    expect(refuse({ editAttributes: () => [] })).toContain('content type');
  });

  it.each([
    ['contentType', 'content type'],
    ['messageDigest', 'message digest'],
    ['signingCertificateV2', 'signing certificate V2'],
  ] as const)('must have %s', (attribute, name) => {
    const missing = refuse({ attributes: { [ATTRIBUTES[attribute]]: null } });
    expect(missing).toContain(`expected the attribute ${name}`);
    refuse({ attributes: { [ATTRIBUTES[attribute]]: set() } });
  });

  it.each<[string, Record<string, Uint8Array | null>, string]>([
    [
      'another content type',
      { [ATTRIBUTES.contentType]: set(objectIdentifier('1.2.840.113549.1.7.1')) },
      TST_INFO,
    ],
    [
      'two content types',
      { [ATTRIBUTES.contentType]: set(objectIdentifier(TST_INFO), objectIdentifier(TST_INFO)) },
      'nothing more',
    ],
    [
      'another digest',
      { [ATTRIBUTES.messageDigest]: set(octetString(Buffer.alloc(32))) },
      'digest',
    ],
    [
      'a digest by another hash',
      {
        [ATTRIBUTES.messageDigest]: set(octetString(createHash('sha512').update(MESSAGE).digest())),
      },
      'digest',
    ],
    [
      'two digests',
      {
        [ATTRIBUTES.messageDigest]: set(
          octetString(Buffer.alloc(32)),
          octetString(Buffer.alloc(32)),
        ),
      },
      'nothing more',
    ],
    ['a signing time that is none', { [ATTRIBUTES.signingTime]: set(integer(1)) }, 'signing time'],
    [
      'two signing times',
      {
        [ATTRIBUTES.signingTime]: set(
          der(0x17, Buffer.from('260102030405Z')),
          der(0x17, Buffer.from('260102030405Z')),
        ),
      },
      'nothing more',
    ],
    [
      'a SHA-1 signing certificate in place of the V2',
      {
        [ATTRIBUTES.signingCertificateV2]: null,
        [ATTRIBUTES.signingCertificate]: set(
          sequence(
            sequence(sequence(octetString(createHash('sha1').update(TSA.signer.der).digest()))),
          ),
        ),
      },
      'signing certificate V2',
    ],
  ])('with %s are refused', (_, attributes, message) => {
    expect(refuse({ attributes })).toContain(message);
  });

  it('have a type and values and nothing else', () => {
    const odd = sequence(objectIdentifier('1.2.3'), set(), nullValue());
    const append = (all: readonly Buffer[]): Buffer[] =>
      [...all, odd].sort((one, other) => Buffer.compare(one, other));
    expect(refuse({ editAttributes: append })).toContain('nothing more');
  });

  it('may have others', () => {
    const attributes = { '1.2.3': set(nullValue()), '1.2.4': set() };
    expect(verifyStamp({ attributes }).time).toEqual(STAMP_TIME);
  });

  it('are in the order of DER and each there once', () => {
    expect(refuse({ editAttributes: (all) => all.toReversed() })).toContain('order of DER');
    expect(refuse({ editAttributes: (all) => all.flatMap((one) => [one, one]) })).toContain(
      'twice',
    );
  });

  it('are at most so many', () => {
    const padded = (count: number): SignerOptions => ({
      attributes: Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`1.2.3.${index}`, set()]),
      ),
    });
    expect(verifyStamp(padded(MAX_SIGNED_ATTRIBUTES - 3)).time).toEqual(STAMP_TIME);
    expect(refuse(padded(MAX_SIGNED_ATTRIBUTES - 2))).toContain('at most');
  });

  it('have a signing time, if any, at which the chain was valid', () => {
    expect(verifyStamp({ signingTime: STAMP_TIME }).time).toEqual(STAMP_TIME);
    expect(verifyStamp({ signingTime: new Date('2044-01-01T00:00:00Z') }).time).toEqual(STAMP_TIME);
    for (const signingTime of ['2023-12-31T23:59:59Z', '2044-01-01T00:00:01Z', '2051-01-01']) {
      expectCode(() => verifyStamp({ signingTime: new Date(signingTime) }), 'certificate_expired');
    }
  });
});
