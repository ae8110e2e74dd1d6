// Names of trust stores: trust-store-trust-policy.md, "Trust Store", with a type and a named store.
import type { Findings } from './findings.ts';
import { parseStrings } from './members.ts';

export const TRUST_STORE_TYPES = ['ca', 'signingAuthority', 'tsa'] as const;
export type TrustStoreType = (typeof TRUST_STORE_TYPES)[number];

/** As the policy writes it, e.g. `ca:acme`. */
export type TrustStoreName = `${TrustStoreType}:${string}`;

/** More than one statement can use; bounds what is read from disk for one verdict. */
export const MAX_TRUST_STORES = 100;

/** The longest name that Linux file systems give a directory. */
const MAX_STORE_LENGTH = 255;
const STORE = /^[a-zA-Z0-9_.-]+$/;

/**
 * Tells whether a string is a type of trust store and the name of a directory. The specification's
 * pattern admits `.` and `..`, which would step out of the store's type; they are not names.
 */
export function isTrustStoreName(text: string): text is TrustStoreName {
  const [type, store] = split(text);
  return (
    TRUST_STORE_TYPES.some((candidate) => candidate === type) &&
    store.length <= MAX_STORE_LENGTH &&
    STORE.test(store) &&
    store !== '.' &&
    store !== '..'
  );
}

/** The type of a trust store, which decides the signing scheme that it serves. */
export function trustStoreType(name: TrustStoreName): TrustStoreType {
  return split(name)[0] as TrustStoreType;
}

/** The directory below its type that holds a trust store; one path component, never `.` or `..`. */
export function trustStoreDirectory(name: TrustStoreName): string {
  return split(name)[1];
}

/** Narrows a value to names of trust stores, each once, and notes every fault. */
export function parseTrustStores(
  value: unknown,
  place: string,
  findings: Findings,
): readonly TrustStoreName[] {
  const names = new Set<TrustStoreName>();
  for (const entry of parseStrings(value, MAX_TRUST_STORES, place, findings)) {
    if (isTrustStoreName(entry.text)) names.add(entry.text);
    else {
      findings.fault(
        entry.place,
        'ca:NAME, signingAuthority:NAME or tsa:NAME with a name of a-z A-Z 0-9 _ . -',
        entry.text,
      );
    }
  }
  return [...names];
}

function split(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
}
