// Members of the policy's JSON objects: which are known, and lists of strings among them.
import type { JsonObject } from '../../oci/json-object.ts';
import { show } from '../../oci/show.ts';
import type { Findings } from './findings.ts';

/**
 * Notes members that are not `known`. Notation ignores them, so they are only warned of; but it
 * reads names without regard to case, so a name that differs in case alone would be a rule for it
 * and nothing for us, and is a fault.
 */
export function checkMembers(
  object: JsonObject,
  known: readonly string[],
  place: string,
  findings: Findings,
): void {
  for (const name of Object.keys(object)) {
    if (known.includes(name)) continue;
    const meant = known.find((candidate) => foldCase(candidate) === foldCase(name));
    if (meant === undefined) {
      findings.warn(place, `the unknown member ${show(name)} is ignored`, name);
    } else {
      findings.fault(place, `the member ${show(meant)} in exactly this case`, name, name);
    }
  }
}

/**
 * Narrows a value to strings; anything else in it is noted and left out. Absent and null are the
 * empty list, as they are for Notation.
 */
export function parseStrings(
  value: unknown,
  maxEntries: number,
  place: string,
  findings: Findings,
): readonly PlacedString[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    findings.fault(place, 'an array of strings', value);
    return [];
  }
  if (value.length > maxEntries) {
    findings.fault(place, `at most ${maxEntries} entries`, value);
    return [];
  }
  return value.flatMap((text: unknown, index) => {
    const entry = `${place}[${index}]`;
    if (typeof text === 'string') return [{ text, place: entry }];
    findings.fault(entry, 'a string', text);
    return [];
  });
}

/** A string and where in the document it stands. */
export interface PlacedString {
  readonly text: string;
  readonly place: string;
}

/** Simple case folding as Go's JSON decoder does it: also `ſ` to `s` and the Kelvin sign to `k`. */
function foldCase(text: string): string {
  return text.toUpperCase().toLowerCase();
}
