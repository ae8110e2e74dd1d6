// What every source of credentials is, and what it is told.
import type { AgentError } from '../../../errors.ts';
import type { Reference } from '../../../oci/reference.ts';
import type { CredentialSourceName, Secret } from './credential.ts';

export type RepositoryName = Pick<Reference, 'registry' | 'repository'>;

/** One source. */
export interface SecretSource {
  readonly name: Exclude<CredentialSourceName, 'none'>;
  /**
   * What may open a repository, in the order of trial; none where the source is not there. What is
   * wrong with it is told as it was made to, and rejects only where nothing of it can be used.
   */
  lookup(repository: RepositoryName): Promise<readonly Secret[]>;
}

/** Told of what is wrong with a source; the same again for as long as it is. Must not throw. */
export type OnFault = (error: AgentError) => void;
