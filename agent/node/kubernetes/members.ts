// Members of what the API server answers, where all that counts is whether they are there.
import { isJsonObject, type JsonObject } from '../../oci/json-object.ts';

/** The object at a key; an empty one where there is none. */
export function objectAt(value: unknown, key: string): JsonObject {
  const found = isJsonObject(value) ? value[key] : undefined;
  return isJsonObject(found) ? found : {};
}

/** The objects of the list at a key; none where there is no list. */
export function listAt(value: JsonObject, key: string): readonly JsonObject[] {
  const found = value[key];
  return Array.isArray(found) ? (found as readonly unknown[]).filter(isJsonObject) : [];
}
