// What is allowed in a statement, but probably not what its author meant.
import { isJsonObject } from '../../oci/json-object.ts';
import { show } from '../../oci/show.ts';
import { VALIDATION_TYPES, type ValidationAction } from '../verification/verdict.ts';
import { ATTRIBUTE_TYPES } from '../x509/name.ts';
import type { TrustedName } from './distinguished-name.ts';
import type { Findings } from './findings.ts';
import { GLOBAL_SCOPE } from './scope.ts';
import { warnOfScope } from './scope-warnings.ts';
import type { Statement } from './statement.ts';
import { trustStoreType } from './trust-store-name.ts';

/** The specification wants these in every trusted identity. */
const MANDATORY_TYPES = ['C', 'ST', 'O'];

/** As the subjects of certificates are read: by these short names, or else by identifier. */
const SHORT_NAMES = new Set(ATTRIBUTE_TYPES.values());

/** Notes what is surprising about a statement that was parsed from `json`. */
export function warnOfStatement(
  statement: Statement,
  json: unknown,
  place: string,
  findings: Findings,
): void {
  for (const [index, scope] of statement.registryScopes.entries()) {
    warnOfScope(scope, `${place}.registryScopes[${index}]`, findings);
  }
  for (const [index, identity] of statement.trustedIdentities.entries()) {
    const here = `${place}.trustedIdentities[${index}]`;
    if (identity.kind === 'x509.subject') warnOfName(identity.name, here, findings);
    if (identity.kind === 'plugin') {
      findings.warn(
        here,
        'only a verification plugin can match it, and no subject of a certificate',
      );
    }
    if (identity.kind === 'any' && statement.signatureVerification.level === 'strict') {
      findings.warn(
        here,
        'at level strict, but whoever has a certificate that the trust stores vouch for may sign',
      );
    }
  }
  warnOfTrustStores(statement, place, findings);
  warnOfTimestamps(statement, json, place, findings);
}

/**
 * Notes where a registry may be written in another way to fall from the statement that names it to
 * the one of the global scope, and that one asks for less.
 */
export function warnOfGlobalScope(
  statements: readonly (Statement | undefined)[],
  findings: Findings,
): void {
  const at = statements.findIndex((statement) => statement?.registryScopes.includes(GLOBAL_SCOPE));
  const rest = statements[at];
  if (rest === undefined) return;
  const others = statements.flatMap((named, index) => {
    const less = named === undefined || named === rest ? undefined : lessThan(rest, named);
    return less === undefined ? [] : [`trustPolicies[${index}] (${less})`];
  });
  const [first] = others;
  if (first === undefined) return;
  const more = others.length === 1 ? '' : ` and ${others.length - 1} more`;
  findings.warn(
    `trustPolicies[${at}]`,
    `the scope "*" asks for less than ${first}${more}, and an image of those falls to it when its registry is written in other case or with its port`,
  );
}

const STRICTNESS: Readonly<Record<ValidationAction, number>> = { skip: 0, log: 1, enforce: 2 };

/** The first thing of which one statement asks for less than another. */
function lessThan(one: Statement, other: Statement): string | undefined {
  const [actions, others] = [one, other].map((each) => each.signatureVerification.enforcement);
  if (actions === undefined || others === undefined) return undefined;
  const type = VALIDATION_TYPES.find(
    (each) => STRICTNESS[actions[each]] < STRICTNESS[others[each]],
  );
  if (type !== undefined) return `${type}: ${actions[type]}, not ${others[type]}`;
  const isPinned = ({ trustedIdentities }: Statement) =>
    trustedIdentities.some(({ kind }) => kind !== 'any');
  return isPinned(other) && !isPinned(one) ? 'any trusted identity' : undefined;
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
    findings.warn(place, `no certificate has the attribute type ${show(type)} by this name`);
  }
}

function warnOfTrustStores({ trustStores }: Statement, place: string, findings: Findings): void {
  if (trustStores.length === 0) return;
  const types = new Set(trustStores.map(trustStoreType));
  if (!types.has('ca') && !types.has('signingAuthority')) {
    findings.warn(
      `${place}.trustStores`,
      'there is no store of type ca or signingAuthority, so no signature can be trusted',
    );
  } else if (types.has('tsa') && !types.has('ca')) {
    findings.warn(
      `${place}.trustStores`,
      'the tsa store has no effect, as only signatures that a store of type ca vouches for have their timestamps verified',
    );
  }
}

/** When timestamps are to be verified was written, but the specification has none verified here. */
function warnOfTimestamps(
  { trustStores }: Statement,
  json: unknown,
  place: string,
  findings: Findings,
): void {
  const written = isJsonObject(json) ? json['signatureVerification'] : undefined;
  const verifyTimestamp = isJsonObject(written) ? written['verifyTimestamp'] : undefined;
  if (verifyTimestamp === undefined || verifyTimestamp === null || verifyTimestamp === '') return;
  if (trustStores.some((name) => trustStoreType(name) === 'tsa')) return;
  findings.warn(
    `${place}.signatureVerification.verifyTimestamp`,
    'verifyTimestamp has no effect, as the statement names no tsa store',
  );
}
