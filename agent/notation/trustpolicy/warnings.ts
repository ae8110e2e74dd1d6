// What is allowed in a statement, but probably not what its author meant.
import type { DistinguishedName } from './distinguished-name.ts';
import type { Findings } from './findings.ts';
import type { Statement } from './statement.ts';
import { trustStoreType } from './trust-store-name.ts';

/** The specification wants these in every trusted identity. */
const MANDATORY_TYPES = ['C', 'ST', 'O'];

/** containerd writes `docker.io/busybox` out as `docker.io/library/busybox` before it pulls. */
const DOCKER_SHORT_NAME = /^docker\.io\/[^/]+$/;

/** Notes what is surprising about a statement that was parsed. */
export function warnOfStatement(statement: Statement, place: string, findings: Findings): void {
  for (const [index, scope] of statement.registryScopes.entries()) {
    if (!DOCKER_SHORT_NAME.test(scope)) continue;
    const full = scope.replace('/', '/library/');
    findings.warn(
      `${place}.registryScopes[${index}]`,
      `containerd names this repository ${full}, so the scope matches no image that is pulled`,
    );
  }
  for (const [index, identity] of statement.trustedIdentities.entries()) {
    if (identity.kind !== 'x509.subject') continue;
    warnOfName(identity.name, `${place}.trustedIdentities[${index}]`, findings);
  }
  warnOfTrustStores(statement, place, findings);
}

function warnOfName(name: DistinguishedName, place: string, findings: Findings): void {
  const missing = MANDATORY_TYPES.filter((type) => (name.get(type) ?? '') === '');
  if (missing.length > 0) {
    findings.warn(
      place,
      `notation rejects the whole document, because the name has no ${missing.join(', ')}`,
    );
  }
}

function warnOfTrustStores(statement: Statement, place: string, findings: Findings): void {
  const { trustStores } = statement;
  if (trustStores.length === 0 || trustStores.some((name) => trustStoreType(name) !== 'tsa'))
    return;
  findings.warn(
    `${place}.trustStores`,
    'there is no store of type ca or signingAuthority, so no signature can be trusted',
  );
}
