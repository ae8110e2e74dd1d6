// Trusted identities: trust-store-trust-policy.md, "Trusted Identities Constraints".
import { AgentError } from '../../errors.ts';
import type { NameAttribute } from '../x509/name.ts';
import {
  isSubset,
  matchesSubject,
  parseDistinguishedName,
  type TrustedName,
} from './distinguished-name.ts';
import type { Findings } from './findings.ts';
import { parseStrings, type PlacedString } from './members.ts';

/** Who may have signed. `text` is as in the document. */
export type TrustedIdentity =
  | { readonly kind: 'any'; readonly text: '*' }
  | { readonly kind: 'x509.subject'; readonly text: string; readonly name: TrustedName }
  /** Of a kind that only a verification plugin understands; matches nothing. */
  | { readonly kind: 'plugin'; readonly text: string };

/** Names are compared in pairs, so this is also a bound on time. */
export const MAX_IDENTITIES = 100;

/** Narrows a value to trusted identities and notes every fault. Zero of them are for the caller. */
export function parseTrustedIdentities(
  value: unknown,
  place: string,
  findings: Findings,
): readonly TrustedIdentity[] {
  const entries = parseStrings(value, MAX_IDENTITIES, place, findings);
  if (entries.length > 1 && entries.some(({ text }) => text === '*')) {
    findings.fault(place, 'the identity "*" alone or not at all', value);
  }
  const identities = entries.map((entry) => parseTrustedIdentity(entry, findings));
  checkOverlaps(identities, place, findings);
  return identities.filter((identity) => identity !== undefined);
}

/**
 * Tells whether a signing certificate's subject is one of the trusted identities. Whether the
 * certificate itself can be trusted is not checked.
 */
export function isTrustedIdentity(
  identities: readonly TrustedIdentity[],
  subject: readonly NameAttribute[],
): boolean {
  return identities.some((identity) => {
    switch (identity.kind) {
      case 'any':
        return true;
      case 'x509.subject':
        return matchesSubject(identity.name, subject);
      case 'plugin':
        return false;
    }
  });
}

function parseTrustedIdentity(
  { text, place }: PlacedString,
  findings: Findings,
): TrustedIdentity | undefined {
  if (text === '*') return { kind: 'any', text };
  const colon = text.indexOf(':');
  if (colon < 1) {
    findings.fault(place, '"*" or "x509.subject: " and a distinguished name', text);
    return undefined;
  }
  if (text.slice(0, colon) !== 'x509.subject') return { kind: 'plugin', text };
  try {
    return { kind: 'x509.subject', text, name: parseDistinguishedName(text.slice(colon + 1)) };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    findings.faultAs(place, error.message);
    return undefined;
  }
}

/** Of two names where one contains the other, the longer adds nothing: one is not what was meant. */
function checkOverlaps(
  identities: readonly (TrustedIdentity | undefined)[],
  place: string,
  findings: Findings,
): void {
  for (const [index, identity] of identities.entries()) {
    if (identity?.kind !== 'x509.subject') continue;
    for (const [at, other] of identities.entries()) {
      if (at === index || other?.kind !== 'x509.subject') continue;
      // Identical names overlap both ways; one report is enough.
      if (at < index && isSubset(other.name, identity.name)) continue;
      if (!isSubset(identity.name, other.name)) continue;
      findings.fault(
        `${place}[${index}]`,
        `a name that does not also cover ${place}[${at}]`,
        identity.text,
      );
    }
  }
}
