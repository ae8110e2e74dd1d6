// Registry scopes: trust-store-trust-policy.md, "Registry Scopes Constraints".
import { isJsonObject } from '../../oci/json-object.ts';
import { isRepository } from '../../oci/reference.ts';
import type { Findings } from './findings.ts';
import { parseStrings } from './members.ts';

/** The scope that covers every repository which no other statement names. */
export const GLOBAL_SCOPE = '*';

/** Far above real policies; keeps the check for doubles and the selection cheap. */
export const MAX_SCOPES = 1000;

/**
 * Narrows a value to the scopes of one statement and notes every fault: at least one, each either
 * a full repository or `*`, and `*` alone. Doubles are for `checkUniqueScopes`.
 */
export function parseRegistryScopes(
  value: unknown,
  place: string,
  findings: Findings,
): readonly string[] {
  const scopes = parseStrings(value, MAX_SCOPES, place, findings);
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) {
    findings.fault(place, 'at least one registry scope', value);
  }
  const texts = scopes.map(({ text }) => text);
  if (texts.includes(GLOBAL_SCOPE) && texts.length > 1) {
    findings.fault(place, 'the scope "*" alone or not at all', value);
  }
  for (const scope of scopes) {
    if (scope.text === GLOBAL_SCOPE || isRepository(scope.text)) continue;
    findings.fault(
      scope.place,
      'registry/repository without scheme, wildcard, tag or digest, or "*"',
      scope.text,
    );
  }
  return texts;
}

/**
 * Notes scopes that stand twice in the document: which statement applies would be a guess. Takes the
 * statements as JSON, so that what else is wrong with them hides nothing.
 */
export function checkUniqueScopes(
  statements: readonly unknown[],
  place: string,
  findings: Findings,
): void {
  const places = new Map<string, string>();
  for (const [statement, value] of statements.entries()) {
    const scopes: unknown = isJsonObject(value) ? value['registryScopes'] : undefined;
    // Too many are a fault already.
    if (!Array.isArray(scopes) || scopes.length > MAX_SCOPES) continue;
    for (const [index, text] of scopes.entries()) {
      if (typeof text !== 'string') continue;
      const here = `${place}[${statement}].registryScopes[${index}]`;
      const earlier = places.get(text);
      if (earlier === undefined) places.set(text, here);
      else findings.fault(here, `a scope that is not also ${earlier}`, text);
    }
  }
}
