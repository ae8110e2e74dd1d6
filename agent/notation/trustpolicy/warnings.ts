// What is allowed in a statement, but probably not what its author meant.
import { ATTRIBUTE_TYPES } from '../x509/name.ts';
import type { TrustedName } from './distinguished-name.ts';
import type { Findings } from './findings.ts';
import type { Statement } from './statement.ts';
import { trustStoreType } from './trust-store-name.ts';

/** The specification wants these in every trusted identity. */
const MANDATORY_TYPES = ['C', 'ST', 'O'];

/** As the subjects of certificates are read: by these short names, or else by identifier. */
const SHORT_NAMES = new Set(ATTRIBUTE_TYPES.values());

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

function warnOfName(name: TrustedName, place: string, findings: Findings): void {
  const missing = MANDATORY_TYPES.filter((type) => (name.get(type) ?? '') === '');
  if (missing.length > 0) {
    findings.warn(
      place,
      `notation rejects the whole document, because the name has no ${missing.join(', ')}`,
    );
  }
  for (const type of name.keys()) {
    const known = type.includes('.') ? !ATTRIBUTE_TYPES.has(type) : SHORT_NAMES.has(type);
    if (known) continue;
    findings.warn(place, `no certificate has the attribute type ${type} by this name`);
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
