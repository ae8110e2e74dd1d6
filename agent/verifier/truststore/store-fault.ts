// How what is wrong with a trust store is told: by store and file, for the operator who has to correct it.
import { AgentError } from '../../errors.ts';

/** A `truststore_invalid` about `what`. */
export function invalid(what: string, expected: string, found?: string): AgentError {
  const but = found === undefined ? '' : `, found ${found}`;
  return new AgentError('truststore_invalid', `${what}: expected ${expected}${but}`);
}

/** Names the store in what the file system has to say. Throws `truststore_invalid` or `whenAbsent`. */
export function attempt<T>(
  what: string,
  action: () => T,
  whenAbsent: 'truststore_missing' | 'truststore_invalid' = 'truststore_invalid',
): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    // A fault of ours has no code of the system, and must not pass for one of the store.
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    const reason = String(cause.code);
    if (reason === 'ENOENT') {
      const absent = `${what}: expected it to exist, but it or what it links to does not`;
      throw new AgentError(whenAbsent, absent, { cause });
    }
    throw new AgentError('truststore_invalid', `${what}: expected to read it, found ${reason}`, {
      cause,
    });
  }
}
