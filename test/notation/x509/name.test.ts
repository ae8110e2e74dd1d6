// Distinguished names: attributes for matching, text for people.
import { describe, expect, it } from 'vitest';
import { DerReader } from '../../../agent/notation/encoding/der.ts';
import { type DistinguishedName, readName } from '../../../agent/notation/x509/name.ts';
import { name } from '../../support/certificate.ts';
import { objectIdentifier, sequence, set, utf8String } from '../../support/der.ts';

const read = (encoded: Uint8Array): DistinguishedName =>
  readName(new DerReader(encoded, 'certificate', 'certificate_invalid'), 'subject');
const commonName = (value: string): string => read(name([['CN', value]])).text;

describe('readName', () => {
  it('gives the attributes in their order and the text the other way round', () => {
    const subject = read(
      name([
        ['C', 'US'],
        ['ST', 'WA'],
        ['L', 'Seattle'],
        ['O', 'Notary'],
        ['OU', 'one'],
        ['OU', 'two'],
        ['CN', 'wabbit'],
      ]),
    );
    expect(subject.text).toBe('CN=wabbit,OU=two,OU=one,O=Notary,L=Seattle,ST=WA,C=US');
    expect(subject.attributes.map(({ type, value }) => `${type}=${value}`)).toEqual([
      'C=US',
      'ST=WA',
      'L=Seattle',
      'O=Notary',
      'OU=one',
      'OU=two',
      'CN=wabbit',
    ]);
  });

  it('calls attributes without a name by their object identifier', () => {
    const businessCategory = read(name([['2.5.4.15', 'Private Organization']]));
    expect(businessCategory.attributes).toEqual([
      { type: '2.5.4.15', value: 'Private Organization' },
    ]);
    expect(businessCategory.text).toBe('2.5.4.15=Private Organization');
  });

  it('joins the attributes of one RDN with a plus sign', () => {
    const attribute = (oid: string, value: string): Buffer =>
      sequence(objectIdentifier(oid), utf8String(value));
    const subject = read(sequence(set(attribute('2.5.4.3', 'a'), attribute('2.5.4.10', 'b'))));
    expect(subject.text).toBe('CN=a+O=b');
    expect(subject.attributes).toHaveLength(2);
  });

  it('reads an empty name', () => {
    expect(read(sequence())).toMatchObject({ text: '', attributes: [] });
  });

  it.each([
    ['a,b', String.raw`CN=a\,b`],
    ['a+b;c<d>e"f\\g', String.raw`CN=a\+b\;c\<d\>e\"f\\g`],
    ['#a', String.raw`CN=\#a`],
    ['a#', 'CN=a#'],
    [' a b ', String.raw`CN=\ a b\ `],
    [' ', String.raw`CN=\ `],
    ['', 'CN='],
    ['a=b', 'CN=a=b'],
    ['é', 'CN=é'],
    ['a\nb', String.raw`CN=a\0ab`],
    ['a\u202eb', String.raw`CN=a\e2\80\aeb`],
    ['a\0', String.raw`CN=a\00`],
  ])('escapes %j', (value, text) => {
    expect(commonName(value)).toBe(text);
  });
});
