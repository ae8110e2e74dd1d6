// Responses of plugins: strict JSON objects, and the fault when one breaks the contract.
import { AgentError } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../oci/json-object.ts';
import { show } from '../../oci/show.ts';
import { parseStrictJson } from '../encoding/json.ts';

/** A response is a few hundred bytes. The contract allows 64 MiB, which a node need not hold for it. */
export const MAX_RESPONSE_BYTES = 1024 * 1024;

/** Responses nest two levels; members that we do not know may nest a little more. */
const MAX_RESPONSE_DEPTH = 8;

/**
 * Parses the response that `what` names. Of a member named twice a plugin's own library might show
 * the other one in its log, so that is refused. Throws `plugin_invalid`.
 */
export function parseResponse(bytes: Uint8Array, what: string): JsonObject {
  const value = parseStrictJson(bytes, {
    what,
    code: 'plugin_invalid',
    maxBytes: MAX_RESPONSE_BYTES,
    maxDepth: MAX_RESPONSE_DEPTH,
  });
  if (!isJsonObject(value)) throw breaksContract(what, 'an object', value);
  return value;
}

/** `plugin_invalid` for a value other than the contract asks for. */
export function breaksContract(what: string, expected: string, found: unknown): AgentError {
  return new AgentError('plugin_invalid', `${what}: expected ${expected}, found ${show(found)}`);
}

/** Tells whether a value is an array of strings. */
export function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
