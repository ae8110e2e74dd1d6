// Which error a failed request is: from what the HTTP library threw, or from the status that came.
import { AgentError, type ErrorCode } from '../../errors.ts';
import { show } from '../../oci/show.ts';

/** Codes of the HTTP library and of the system that say that time ran out. */
const TIMEOUTS: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
]);

/** Codes of a connection that was there and went away. */
const BROKEN: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/**
 * Tells whether a request may be sent once more on a new connection: a registry closes idle
 * connections, and one that is closed just then takes the request with it.
 */
export function isBrokenConnection(error: unknown): boolean {
  return BROKEN.has(codeOf(error));
}

/** The error for a request that the caller's signal ended: its reason if that says why. */
export function interrupted(signal: AbortSignal, what: string): AgentError {
  if (signal.reason instanceof AgentError) return signal.reason;
  return new AgentError('deadline_exceeded', `${what}: interrupted before the registry answered`, {
    cause: signal.reason,
  });
}

/** Waits for a promise that is not the caller's alone, no longer than the caller wants to. */
export async function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  what: string,
): Promise<T> {
  if (signal.aborted) {
    // Nobody else may be there to see it fail.
    promise.catch(() => undefined);
    throw interrupted(signal, what);
  }
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(interrupted(signal, what));
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The error for what the HTTP library threw, other than by a signal. */
export function transportFailure(error: unknown, what: string): AgentError {
  if (error instanceof AgentError) return error;
  if (error instanceof Error && error.name === 'HTTPParserError') {
    // Not as the cause: it carries the bytes that were sent, whatever they are.
    return new AgentError('registry_failed', `${what}: expected HTTP/1.1, found something else`);
  }
  const code = codeOf(error);
  const found = describeFailure(code, error instanceof Error ? error.message : '');
  return new AgentError(failureCode(code), `${what}: expected an answer, found ${found}`, {
    cause: error,
  });
}

/** Names of certificates are attacker-controlled and part of messages: quoted, not repeated. */
function describeFailure(code: string, message: string): string {
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'plain HTTP where HTTPS is expected';
  return message.includes(code) ? show(message) : `${show(message)} (${code})`;
}

function failureCode(code: string): ErrorCode {
  if (TIMEOUTS.has(code)) return 'registry_timeout';
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'content_too_large';
  return 'registry_unreachable';
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** What an answer that is not a success says about itself. */
export interface Refusal {
  readonly status: number;
  /** The first error code of an OCI error body. */
  readonly errorCode: string | undefined;
  readonly retryAfter: string | undefined;
}

/** The error for a status that is not a success; `missing` is the code for a 404. */
export function statusFailure(
  { status, errorCode, retryAfter }: Refusal,
  what: string,
  missing: ErrorCode = 'registry_not_found',
): AgentError {
  const isPause = status === 503 && retryAfter !== undefined;
  const code = status === 404 ? missing : isPause ? 'registry_busy' : statusCode(status);
  const named = errorCode === undefined ? '' : ` ${errorCode}`;
  const later = retryAfter === undefined ? '' : `, retry after ${show(retryAfter)}`;
  return new AgentError(code, `${what}: expected 200, found ${status}${named}${later}`);
}

function statusCode(status: number): ErrorCode {
  if (status === 401 || status === 403) return 'registry_denied';
  if (status === 429) return 'registry_busy';
  return 'registry_failed';
}
