// Distinguished names: their attributes for matching, and the text that people compare (RFC 5280 4.1.2.4, RFC 4514).
import { printable } from '../../oci/show.ts';
import { DER_TAGS, type DerReader } from '../encoding/der.ts';
import { decodeObjectIdentifier, decodeText } from '../encoding/der-value.ts';

export interface NameAttribute {
  /** One of `ATTRIBUTE_TYPES`, or else a dotted object identifier. */
  readonly type: string;
  readonly value: string;
}

export interface DistinguishedName {
  /** DER: names are equal when these bytes are. */
  readonly raw: Uint8Array;
  /** In encoded order; the attributes of a multi-valued RDN follow each other. */
  readonly attributes: readonly NameAttribute[];
  /**
   * RFC 4514: last RDN first, as in `CN=wabbit,O=Notary,L=Seattle,ST=WA,C=US`. For people: free of
   * control characters, and cut at `MAX_TEXT_CHARACTERS`.
   */
  readonly text: string;
}

/** Verdicts repeat it, and travel over the agent's socket and into the ledger. */
const MAX_TEXT_CHARACTERS = 512;

/** The attribute types that trust policies and `notation` call by name. */
export const ATTRIBUTE_TYPES: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'CN'],
  ['2.5.4.5', 'SERIALNUMBER'],
  ['2.5.4.6', 'C'],
  ['2.5.4.7', 'L'],
  ['2.5.4.8', 'ST'],
  ['2.5.4.9', 'STREET'],
  ['2.5.4.10', 'O'],
  ['2.5.4.11', 'OU'],
  ['2.5.4.17', 'POSTALCODE'],
  ['0.9.2342.19200300.100.1.1', 'UID'],
  ['0.9.2342.19200300.100.1.25', 'DC'],
]);

/** Reads a Name. Values have to be character strings. Throws the reader's code. */
export function readName(reader: DerReader, field: string): DistinguishedName {
  const element = reader.read(DER_TAGS.sequence, field);
  const inside = reader.open(element);
  const rdns: (readonly NameAttribute[])[] = [];
  while (inside.peek() !== undefined) {
    rdns.push(readRelativeName(inside.enter(DER_TAGS.set, field), field));
  }
  const text = rdns.toReversed().map((rdn) => rdn.map(showAttribute).join('+'));
  return {
    raw: element.raw,
    attributes: rdns.flat(),
    text: printable(text.join(','), MAX_TEXT_CHARACTERS),
  };
}

function readRelativeName(reader: DerReader, field: string): NameAttribute[] {
  const attributes: NameAttribute[] = [];
  do {
    const attribute = reader.enter(DER_TAGS.sequence, field);
    const oid = decodeObjectIdentifier(attribute.read(DER_TAGS.objectIdentifier, field));
    const value = decodeText(attribute.readAny(field));
    attribute.end(field);
    attributes.push({ type: ATTRIBUTE_TYPES.get(oid) ?? oid, value });
  } while (reader.peek() !== undefined);
  return attributes;
}

/** Words of letters and digits need no escape, which spares most names the search for one. */
const PLAIN = /^[\w.-]+(?: [\w.-]+)*$/;

/** RFC 4514 section 2.4: specials get a backslash, what cannot be printed its UTF-8 in hexadecimal. */
function showAttribute({ type, value }: NameAttribute): string {
  if (PLAIN.test(value)) return `${type}=${value}`;
  const escaped = value
    .replaceAll(/["+,;<>\\]|^[ #]| $/g, '\\$&')
    .replaceAll(/(?! )[\p{C}\p{Z}]/gu, (character) =>
      Buffer.from(character).toString('hex').replaceAll(/../g, '\\$&'),
    );
  return `${type}=${escaped}`;
}
