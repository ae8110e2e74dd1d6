// Distinguished names of trusted identities: trust-store-trust-policy.md, "Trusted Identities
// Constraints"; the string form of RFC 4514 without multi-valued and hexadecimal attributes.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { NameAttribute } from '../x509/name.ts';

/** Attribute types with their one value; the order does not matter. */
export type TrustedName = ReadonlyMap<string, string>;

/** Subjects of certificates are a few hundred characters. */
const MAX_NAME_LENGTH = 4096;

/** RFC 4512 `descr` or `numericoid`. */
const ATTRIBUTE_TYPE = /^(?:[a-zA-Z][a-zA-Z0-9-]*|\d+(?:\.\d+)+)$/;
/** A hex pair, an escaped special character, or any character that needs no escape. */
const VALUE_TOKEN = /\\([0-9a-fA-F]{2})|\\([ "#+,;<=>\\])|([^\\])/uy;

/**
 * Parses a distinguished name; `S` is read as `ST`. Throws `policy_invalid` with expected and found
 * but no place. At least one attribute has a value, since a name without any would match every
 * certificate; C, ST and O may be missing (design decision, not the specification).
 */
export function parseDistinguishedName(text: string): TrustedName {
  if (text.length > MAX_NAME_LENGTH) {
    throw invalid(`a distinguished name of at most ${MAX_NAME_LENGTH} characters`, text);
  }
  if (!text.isWellFormed()) throw invalid('a distinguished name in well-formed Unicode', text);
  // A hexadecimal value is BER of the author's choice, and decoding it has been an attack on
  // verifiers (CVE-2023-25656). Refused wherever it stands, as Notation does.
  if (text.includes('=#')) throw invalid('a distinguished name without "=#"', text);
  const name = new Map<string, string>();
  for (const part of splitAttributes(text)) {
    const { type, value } = parseAttribute(part);
    if (name.has(type)) throw invalid(`each attribute once, but ${type} is there twice`, text);
    name.set(type, value);
  }
  if ([...name.values()].every((value) => value === '')) {
    throw invalid('a distinguished name with at least one value', text);
  }
  return name;
}

/**
 * Tells whether a subject has every attribute of a trusted name, compared byte for byte. The subject
 * may have more, also of the same type. An empty value asks that the subject has none of that type.
 */
export function matchesSubject(name: TrustedName, subject: readonly NameAttribute[]): boolean {
  return [...name].every(([type, value]) => {
    const values = subject.filter((attribute) => attribute.type === type).map((a) => a.value);
    return value === '' ? values.every((found) => found === '') : values.includes(value);
  });
}

/** Tells whether `other` has every attribute of `name`; one that is missing counts as empty. */
export function isSubset(name: TrustedName, other: TrustedName): boolean {
  return [...name].every(([type, value]) => (other.get(type) ?? '') === value);
}

function splitAttributes(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === '\\') index++;
    if (character === '+') throw invalid('one value for each attribute, without "+"', text);
    if (character !== ',' && character !== ';') continue;
    parts.push(text.slice(start, index));
    start = index + 1;
  }
  return [...parts, text.slice(start)];
}

function parseAttribute(part: string): NameAttribute {
  const equals = part.indexOf('=');
  if (equals < 0) throw invalid('TYPE=value', part);
  const type = trimSpaces(part.slice(0, equals));
  if (!ATTRIBUTE_TYPE.test(type)) throw invalid('an attribute type before "="', part);
  return { type: type === 'S' ? 'ST' : type, value: decodeValue(part.slice(equals + 1)) };
}

/** Drops spaces around the value unless they are escaped, then resolves escapes to UTF-8. */
function decodeValue(raw: string): string {
  const text = raw.replace(/^ +/, '');
  if (text.startsWith('#')) throw invalid('a value that is not hexadecimal', raw);
  const bytes: number[] = [];
  let end = 0;
  for (VALUE_TOKEN.lastIndex = 0; VALUE_TOKEN.lastIndex < text.length;) {
    const token = VALUE_TOKEN.exec(text);
    if (token === null) throw invalid('"\\" before a special character or two hex digits', raw);
    const [, hex, special, plain] = token;
    if (hex === undefined) bytes.push(...new TextEncoder().encode(special ?? plain));
    else bytes.push(Number.parseInt(hex, 16));
    if (plain !== ' ') end = bytes.length;
  }
  return decodeUtf8(bytes.slice(0, end), raw);
}

function decodeUtf8(bytes: readonly number[], raw: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(bytes),
    );
  } catch (cause) {
    throw invalid('a value in UTF-8', raw, cause);
  }
}

function trimSpaces(text: string): string {
  return text.replace(/^ +| +$/g, '');
}

function invalid(expected: string, found: string, cause?: unknown): AgentError {
  return new AgentError('policy_invalid', `expected ${expected}, found ${show(found)}`, { cause });
}
