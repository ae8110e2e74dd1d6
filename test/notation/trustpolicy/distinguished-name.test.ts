// Distinguished names: what is read, what is refused, and what a name matches.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import {
  isSubset,
  matchesSubject,
  parseDistinguishedName,
} from '../../../agent/notation/trustpolicy/distinguished-name.ts';
import { expectCode } from '../../support/expect-code.ts';

const attributes = (text: string) => Object.fromEntries(parseDistinguishedName(text));

describe('parseDistinguishedName', () => {
  it.each<[string, string, Record<string, string>]>([
    ['commas', 'C=US,ST=WA,O=Acme', { C: 'US', ST: 'WA', O: 'Acme' }],
    ['semicolons', 'C=US;ST=WA,O=Acme', { C: 'US', ST: 'WA', O: 'Acme' }],
    ['S for ST', 'C=US,S=WA,O=Acme', { C: 'US', ST: 'WA', O: 'Acme' }],
    ['a name without C, ST and O', 'CN=example.io', { CN: 'example.io' }],
    ['a type as an object identifier', '2.5.4.15=x', { '2.5.4.15': 'x' }],
    ['a type of its own', 'Custom-RDN=x', { 'Custom-RDN': 'x' }],
    ['spaces around type and value', ' C = US , O = Acme Inc ', { C: 'US', O: 'Acme Inc' }],
    ['escaped spaces at the ends', 'O=\\ Acme\\  ', { O: ' Acme ' }],
    [
      'escaped special characters',
      'O=a\\,b\\+c\\;d\\\\e\\"f\\<g\\>h\\#i\\=j',
      { O: 'a,b+c;d\\e"f<g>h#i=j' },
    ],
    ['an escaped "#" at the start', 'O=\\#a', { O: '#a' }],
    ['hex pairs as UTF-8', 'O=caf\\C3\\a9\\2C', { O: 'café,' }],
    ['a hex pair of a space at the end', 'O=a\\20', { O: 'a ' }],
    ['characters beyond ASCII', 'O=Łódź 🔑', { O: 'Łódź 🔑' }],
    ['literal double quotes', 'O="a"', { O: '"a"' }],
    ['"=" in a value', 'O=a=b', { O: 'a=b' }],
    ['an empty value beside another', 'OU=,O=a', { OU: '', O: 'a' }],
    ['case in values', 'O=ACME,o=acme', { O: 'ACME', o: 'acme' }],
  ])('reads %s', (_, text, expected) => {
    expect(attributes(text)).toEqual(expected);
  });

  it.each([
    ['nothing', ''],
    ['spaces', '  '],
    ['only empty values, which would match every subject', 'CN=,O='],
    ['a hexadecimal value', 'CN=#0c0161,O=a'],
    ['a hexadecimal value after a space', 'CN= #0c0161,O=a'],
    ['"=#" inside a value', 'CN=a=#b'],
    ['a multi-valued attribute', 'CN=a+OU=b,O=c'],
    ['a type twice', 'CN=a,O=b,CN=c'],
    ['a type twice, the first one empty', 'CN=,O=b,CN=c'],
    ['S and ST', 'S=a,ST=b'],
    ['an attribute without "="', 'CN=a,b'],
    ['an attribute without type', '=a'],
    ['a type with a space', 'C N=a'],
    ['a type that starts with a digit', '1CN=a'],
    ['a trailing separator', 'CN=a,'],
    ['a leading separator', ',CN=a'],
    ['a trailing backslash', 'CN=a\\'],
    ['an escaped letter that is no hex pair', 'CN=\\xyz'],
    ['half a hex pair', 'CN=a\\2'],
    ['hex pairs that are not UTF-8', 'CN=\\C3\\28'],
    ['an encoded surrogate', 'CN=\\ED\\A0\\80'],
    ['half a surrogate pair', 'CN=\ud800'],
    ['a name beyond the limit', `CN=${'a'.repeat(4096)}`],
  ])('refuses %s', (_, text) => {
    expectCode(() => parseDistinguishedName(text), 'policy_invalid');
  });

  it('reads back every name that is escaped by the rules', () => {
    const type = fc.stringMatching(/^[A-Z][A-Za-z0-9-]{0,5}$/).filter((text) => text !== 'S');
    const value = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.dictionary(type, value, { minKeys: 1, maxKeys: 5 }), (name) => {
        const text = Object.entries(name).map(([key, plain]) => `${key}=${escapeValue(plain)}`);
        expect(attributes(text.join(','))).toEqual({ ...name });
      }),
    );
  });

  it('returns a name with a value or throws an AgentError, whatever it is given', () => {
    const hostile = fc
      .array(fc.constantFrom('CN', 'O', '=', '#', ',', ';', '+', '\\', ' ', 'C3', 'é', '"'))
      .map((tokens) => tokens.join(''));
    fc.assert(
      fc.property(fc.oneof(hostile, fc.string({ unit: 'binary' })), (text) => {
        try {
          expect([...parseDistinguishedName(text).values()].join('')).not.toBe('');
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
        }
      }),
    );
  });
});

describe('matchesSubject', () => {
  const subject = [
    { type: 'C', value: 'US' },
    { type: 'O', value: 'Acme' },
    { type: 'OU', value: 'build' },
    { type: 'OU', value: 'release' },
    { type: 'CN', value: 'example.io' },
  ];

  it.each([
    ['the whole subject', 'C=US,O=Acme,OU=build,CN=example.io'],
    ['a part of it', 'CN=example.io'],
    ['one of two values of a type', 'O=Acme,OU=release'],
    ['another order', 'CN=example.io,C=US'],
    ['an empty value where the subject has none', 'CN=example.io,L='],
  ])('matches a name that is %s', (_, text) => {
    expect(matchesSubject(parseDistinguishedName(text), subject)).toBe(true);
  });

  it.each([
    ['a value in other case', 'CN=Example.io'],
    ['a type in other case', 'cn=example.io'],
    ['a prefix of a value', 'CN=example'],
    ['a value of another type', 'CN=Acme'],
    ['one attribute more than the subject', 'CN=example.io,L=Seattle'],
    ['an empty value where the subject has one', 'CN=example.io,O='],
  ])('does not match a name with %s', (_, text) => {
    expect(matchesSubject(parseDistinguishedName(text), subject)).toBe(false);
  });

  it('does not match a subject without attributes', () => {
    expect(matchesSubject(parseDistinguishedName('CN=a'), [])).toBe(false);
  });
});

describe('isSubset', () => {
  it.each([
    ['C=US', 'C=US,O=Acme', true],
    ['C=US,O=Acme', 'C=US', false],
    ['C=US,O=Acme', 'O=Acme,C=US', true],
    ['C=US', 'C=DE', false],
    ['C=US,OU=', 'C=US,O=Acme', true],
    ['C=US,OU=', 'C=US,OU=x', false],
  ])('%s is a subset of %s: %s', (name, other, expected) => {
    expect(isSubset(parseDistinguishedName(name), parseDistinguishedName(other))).toBe(expected);
  });

  it('means that whatever matches the larger name matches the smaller', () => {
    const attribute = fc.tuple(fc.constantFrom('A', 'B', 'D', 'E'), fc.constantFrom('x', 'y'));
    const name = fc.array(attribute, { minLength: 1 }).map((entries) => new Map(entries));
    fc.assert(
      fc.property(name, name, fc.array(attribute), (smaller, more, extra) => {
        const larger = new Map([...more, ...smaller]);
        const subject = [...larger, ...extra].map(([type, value]) => ({ type, value }));
        expect(isSubset(smaller, larger)).toBe(true);
        expect(matchesSubject(larger, subject)).toBe(true);
        expect(matchesSubject(smaller, subject)).toBe(true);
      }),
    );
  });
});

function escapeValue(value: string): string {
  const bytes = [...new TextEncoder().encode(value)];
  return bytes
    .map((byte) => {
      const character = String.fromCharCode(byte);
      if (/[a-zA-Z0-9._-]/.test(character)) return character;
      if (/[ "#+,;<=>\\]/.test(character)) return `\\${character}`;
      return `\\${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
}
