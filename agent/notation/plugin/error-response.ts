// What a plugin that fails says on standard error: plugin-extensibility.md, "Plugin contract", its error response.
import { AgentError } from '../../errors.ts';
import { isJsonObject } from '../../oci/json-object.ts';
import { printable, show } from '../../oci/show.ts';
import { parseStrictJson } from '../encoding/json.ts';

/** An error response is a few hundred bytes; whatever else was logged is cut to this. */
export const MAX_ERROR_BYTES = 64 * 1024;

/** Metadata of an error are a few strings. */
const MAX_ERROR_DEPTH = 8;

/** Codes are words such as `ACCESS_DENIED`. */
const MAX_CODE_CHARACTERS = 64;

/**
 * One phrase on what a plugin said on standard error: the code and message of an error response, or
 * else what it wrote, quoted and cut. `errorMetadata` is left out: it may say anything, to programs.
 * Never throws.
 */
export function describeErrorResponse(stderr: Uint8Array): string {
  const { errorCode, errorMessage } = parseErrorResponse(stderr);
  if (typeof errorCode === 'string' && errorCode !== '') {
    const message = typeof errorMessage === 'string' ? errorMessage : '';
    return `${printable(errorCode, MAX_CODE_CHARACTERS)}${message === '' ? '' : `: ${show(message)}`}`;
  }
  const text = Buffer.from(stderr).toString('utf8').trim();
  return text === '' ? 'no error message' : show(text);
}

function parseErrorResponse(stderr: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value = parseStrictJson(stderr, {
      what: 'error response',
      code: 'plugin_invalid',
      maxBytes: MAX_ERROR_BYTES,
      maxDepth: MAX_ERROR_DEPTH,
    });
    return isJsonObject(value) ? value : {};
  } catch (error) {
    // The response is optional, and other output is not to hide that the plugin failed.
    if (error instanceof AgentError) return {};
    throw error;
  }
}
