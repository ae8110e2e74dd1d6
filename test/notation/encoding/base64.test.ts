// Strict base64: one spelling for each sequence of bytes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, decodeBase64url } from '../../../agent/notation/encoding/base64.ts';
import { expectCode } from '../../support/expect-code.ts';
import { valueOrAgentError } from '../../support/only-agent-errors.ts';

const OPTIONS = { what: 'value', code: 'envelope_invalid' } as const;

describe('decodeBase64', () => {
  it.each([
    ['', ''],
    ['AA==', '00'],
    ['+/8=', 'fbff'],
    ['AAEC', '000102'],
  ])('reads %j', (text, hex) => {
    expect(Buffer.from(decodeBase64(text, OPTIONS)).toString('hex')).toBe(hex);
  });

  it.each([
    ['no padding', 'AA'],
    ['too little padding', 'AA='],
    ['too much padding', 'AAEC===='],
    ['bits after the last byte', 'AB=='],
    ['the other alphabet', '-_8='],
    ['a line break', 'AAEC\nAAEC'],
    ['a space', ' AAEC'],
    ['text after the padding', 'AA==AA=='],
    ['another character', 'AA€='],
    ['one character', 'A'],
  ])('refuses %s', (_, text) => {
    expectCode(() => decodeBase64(text, OPTIONS), 'envelope_invalid');
  });
});

describe('decodeBase64url', () => {
  it.each([
    ['', ''],
    ['AA', '00'],
    ['-_8', 'fbff'],
    ['AAEC', '000102'],
  ])('reads %j', (text, hex) => {
    expect(Buffer.from(decodeBase64url(text, OPTIONS)).toString('hex')).toBe(hex);
  });

  it.each([
    ['padding', 'AA=='],
    ['bits after the last byte', 'AB'],
    ['the other alphabet', '+/8'],
    ['a line break', 'AAEC\r\n'],
    ['one character', 'A'],
  ])('refuses %s', (_, text) => {
    expectCode(() => decodeBase64url(text, OPTIONS), 'envelope_invalid');
  });
});

describe.each([
  ['base64', decodeBase64],
  ['base64url', decodeBase64url],
] as const)('%s', (encoding, decode) => {
  it('reads back what Buffer writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const text = Buffer.from(bytes).toString(encoding);
        expect(Buffer.compare(decode(text, OPTIONS), bytes)).toBe(0);
      }),
    );
  });

  it('has no two texts for the same bytes', () => {
    fc.assert(
      fc.property(fc.base64String(), fc.string({ unit: 'binary' }), (valid, any) => {
        for (const text of [valid, any, valid + any]) {
          const bytes = valueOrAgentError(() => decode(text, OPTIONS));
          if (bytes instanceof Error) continue;
          expect(Buffer.from(bytes).toString(encoding)).toBe(text);
        }
      }),
    );
  });
});
