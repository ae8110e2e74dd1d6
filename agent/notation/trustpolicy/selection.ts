// Which statement applies: trust-store-trust-policy.md, "Selecting a trust policy to verify a signed OCI artifact".
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { TrustPolicyDocument } from './document.ts';
import { GLOBAL_SCOPE } from './scope.ts';
import type { Statement } from './statement.ts';

/**
 * Selects the one statement for `repository` (registry/repository without tag or digest): the one
 * that names it exactly, case-sensitively, else the one of the global scope. Throws
 * `policy_not_applicable`. The repository must come from a parsed reference.
 */
export function selectStatement(document: TrustPolicyDocument, repository: string): Statement {
  const covering = (scope: string) =>
    document.statements.find(({ registryScopes }) => registryScopes.includes(scope));
  const statement = covering(repository) ?? covering(GLOBAL_SCOPE);
  if (statement !== undefined) return statement;
  throw new AgentError(
    'policy_not_applicable',
    `trust policy document: expected a statement whose registryScopes hold ${show(repository)} or "*", found none`,
  );
}
