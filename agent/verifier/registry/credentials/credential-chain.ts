// The sources of credentials, one after the other: what each has for a repository, in the order of trial.
import { AgentError } from '../../../errors.ts';
import { repositoryOf } from '../../../oci/reference.ts';
import type { Credential, CredentialSource } from './credential.ts';
import type { OnFault, RepositoryName, SecretSource } from './secret-source.ts';
import { TimedMemory } from './timed-memory.ts';

export interface CredentialChainOptions {
  /** In the order of trial. */
  readonly sources: readonly SecretSource[];
  readonly onFault: OnFault;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  /** How long a source is waited for. What it finds later, it knows the next time. */
  readonly waitMs: number;
}

/** One verdict asks for the same several times. */
const RECENT_MS = 5_000;
/** Repositories that a node asks for within that time. */
const MAX_RECENT = 256;
/**
 * More than anybody has for one repository; each is a request to the registry, or two. Of each
 * source, so that none keeps out another.
 */
const MAX_CREDENTIALS = 16;

/**
 * Asks all sources at once, and remembers the answer for 5 s. Each secret is tried once, as that of the
 * first source that has it.
 */
export function createCredentialChain(options: CredentialChainOptions): CredentialSource {
  const recent = new TimedMemory<Credential[]>(options.nowMs, MAX_RECENT);
  return (repository) =>
    recent.get(repositoryOf(repository), RECENT_MS, () => lookupAll(repository, options));
}

async function lookupAll(
  repository: RepositoryName,
  { sources, onFault, waitMs }: CredentialChainOptions,
): Promise<Credential[]> {
  const found = await Promise.all(
    sources.map(async (source) => {
      const secrets = await lookupInTime(source, repository, waitMs).catch((error: unknown) => {
        if (!(error instanceof AgentError)) throw error;
        onFault(error);
        return [];
      });
      return secrets
        .slice(0, MAX_CREDENTIALS)
        .map((secret): Credential => ({ ...secret, source: source.name }));
    }),
  );
  const byContent = new Map<string, Credential>();
  for (const credential of found.flat()) {
    const content = JSON.stringify({ ...credential, source: '' });
    if (!byContent.has(content)) byContent.set(content, credential);
  }
  return [...byContent.values()];
}

async function lookupInTime(source: SecretSource, repository: RepositoryName, waitMs: number) {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const fault = `expected an answer within ${waitMs} ms, found none`;
    late.reject(
      new AgentError('credential_program_failed', `source of credentials ${source.name}: ${fault}`),
    );
  }, waitMs);
  const looked = source.lookup(repository);
  // It may fail when nobody waits for it any more.
  looked.catch(() => undefined);
  try {
    return await Promise.race([looked, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
