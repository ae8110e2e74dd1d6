// From the path of a finding, such as `trustPolicies[1].name`, to its place in the document's text.
import type { JsonPlaces, TextPosition } from '../encoding/json-places.ts';

/** The names and indexes of a path. Members of documents that we name hold none of these characters. */
const KEY = /[^.[\]]+/g;

/**
 * Where the path leads in a document that was read with `places`, or as far as it leads: what is
 * missing is missing in there. `document` is the root, which has no place of its own; `member` is
 * one more step, whatever characters its name has.
 */
export function locate(
  places: JsonPlaces,
  root: unknown,
  path: string,
  member?: string,
): TextPosition | undefined {
  const keys = path === 'document' ? [] : (path.match(KEY) ?? []);
  let position: TextPosition | undefined;
  let value = root;
  for (const key of member === undefined ? keys : [...keys, member]) {
    if (typeof value !== 'object' || value === null) break;
    const next = places.positionOf(value, Array.isArray(value) ? Number(key) : key);
    if (next === undefined) break;
    position = next;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return position;
}
