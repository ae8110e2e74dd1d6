// Telling a success from a refusal, and what the refusal says.
import { AgentError, type ErrorCode } from '../../errors.ts';
import { parseStrictJson } from '../../notation/encoding/json.ts';
import { isJsonObject } from '../../oci/json-object.ts';
import { type Refusal, statusFailure } from './failure.ts';
import type { HttpResponse } from './http.ts';

/** What error codes look like; anything else is not repeated in our messages. */
const ERROR_CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/**
 * Returns for 200 and leaves the body to be read; takes the body of anything else and throws
 * `registry_denied`, `registry_busy`, `registry_failed` or, for a 404, `missing`.
 */
export async function expectSuccess(
  response: HttpResponse,
  what: string,
  maxErrorBytes: number,
  missing: ErrorCode = 'registry_not_found',
): Promise<void> {
  if (response.status === 200) return;
  throw statusFailure(await readRefusal(response, maxErrorBytes), what, missing);
}

/** Takes the body of an answer that is not a success. Never throws: the status is what counts. */
export async function readRefusal(response: HttpResponse, maxBytes: number): Promise<Refusal> {
  return {
    status: response.status,
    errorCode: await readErrorCode(response, maxBytes),
    retryAfter: response.header('retry-after'),
  };
}

/** OCI distribution specification, "Error Codes". */
async function readErrorCode(
  response: HttpResponse,
  maxBytes: number,
): Promise<string | undefined> {
  try {
    const body = await response.read(maxBytes);
    const document = { what: 'error body', code: 'registry_failed', maxBytes } as const;
    const value = parseStrictJson(body, document);
    const errors = isJsonObject(value) ? value['errors'] : undefined;
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    const code = isJsonObject(first) ? first['code'] : undefined;
    return typeof code === 'string' && ERROR_CODE.test(code) ? code : undefined;
  } catch (error) {
    // Many registries and every proxy before one answer with a page or with nothing.
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}
