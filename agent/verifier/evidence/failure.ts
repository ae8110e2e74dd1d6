// Why evidence could not be had, as errors.
import { AgentError } from '../../errors.ts';
import { printable } from '../../oci/show.ts';

/** No answer, or not the one that was asked for. */
export function unreachable(what: string, fault: string, cause?: unknown): AgentError {
  return new AgentError('revocation_unreachable', `${what}: ${fault}`, { cause });
}

/** The error of a system call or of node:http, in our words. */
export function transportFailure(error: unknown, what: string): AgentError {
  if (error instanceof AgentError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return unreachable(
    what,
    `expected an answer, found ${printable(code, MAX_CODE_CHARACTERS)}`,
    error,
  );
}

const MAX_CODE_CHARACTERS = 100;
/** An error ends up in a verdict. */
const MAX_MESSAGE_CHARACTERS = 1500;

/** The error for several ways that each failed: with the code of the first, which is the preferred one. */
export function combined(errors: readonly AgentError[], prefix = ''): AgentError {
  const [first, ...others] = errors;
  if (first === undefined) {
    return new AgentError('revocation_unknown', `${prefix}expected an address to ask, found none`);
  }
  const messages = errors.map(({ message }) => message).join('; ');
  const cause = others.length === 0 ? first : new AggregateError(errors);
  return new AgentError(first.code, printable(prefix + messages, MAX_MESSAGE_CHARACTERS), {
    cause,
  });
}

/**
 * Starts something and waits for it no longer than the signal lets. What was started goes on: others
 * may be waiting for it. Once the signal has ended, nothing is started. Throws
 * `revocation_unreachable` when the signal ends the wait.
 */
export async function within<T>(
  start: () => Promise<T>,
  signal: AbortSignal,
  what: string,
): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const stop = (): void =>
    reject(unreachable(what, 'expected an answer in time, found none', signal.reason));
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race(signal.aborted ? [ended] : [start(), ended]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
