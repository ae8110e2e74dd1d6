// Trust policy statements: trust-store-trust-policy.md, "Trust Policy Properties".
import { isJsonObject } from '../../oci/json-object.ts';
import type { Findings } from './findings.ts';
import { parseTrustedIdentities, type TrustedIdentity } from './identity.ts';
import { parseSignatureVerification, type SignatureVerification } from './level.ts';
import { checkMembers } from './members.ts';
import { GLOBAL_SCOPE, parseRegistryScopes } from './scope.ts';
import { parseTrustStores, type TrustStoreName } from './trust-store-name.ts';

/** What signatures of the images in its scopes must be like. */
export interface Statement {
  readonly name: string;
  /** Full repositories, or `*` alone. */
  readonly registryScopes: readonly string[];
  readonly signatureVerification: SignatureVerification;
  /** Each once; empty only at level skip. */
  readonly trustStores: readonly TrustStoreName[];
  /** Empty only at level skip. */
  readonly trustedIdentities: readonly TrustedIdentity[];
}

/** Names are shown in verdicts and logs, which hold a line each. */
const MAX_NAME_LENGTH = 256;

const MEMBERS = [
  'name',
  'registryScopes',
  'signatureVerification',
  'trustStores',
  'trustedIdentities',
];

/**
 * Narrows a decoded JSON value to a statement and notes every fault. What it returns after a fault
 * is for warnings only; undefined if there is too little for that.
 */
export function parseStatement(
  value: unknown,
  place: string,
  findings: Findings,
): Statement | undefined {
  if (!isJsonObject(value)) {
    findings.fault(place, 'an object', value);
    return undefined;
  }
  checkMembers(value, MEMBERS, place, findings);
  const at = (member: string) => `${place}.${member}`;
  const { trustStores, trustedIdentities } = value;
  const members = {
    name: parseName(value['name'], at('name'), findings),
    registryScopes: parseRegistryScopes(value['registryScopes'], at('registryScopes'), findings),
    trustStores: parseTrustStores(trustStores, at('trustStores'), findings),
    trustedIdentities: parseTrustedIdentities(trustedIdentities, at('trustedIdentities'), findings),
  };
  const signatureVerification = parseSignatureVerification(
    value['signatureVerification'],
    at('signatureVerification'),
    findings,
  );
  if (signatureVerification === undefined) return undefined;
  const statement = { ...members, signatureVerification };
  if (signatureVerification.level === 'skip') {
    checkSkip(statement, { trustStores, trustedIdentities }, place, findings);
  } else {
    checkPresent(trustStores, at('trustStores'), findings);
    checkPresent(trustedIdentities, at('trustedIdentities'), findings);
  }
  return statement;
}

function parseName(value: unknown, place: string, findings: Findings): string {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH) return value;
  findings.fault(place, `a name of 1 to ${MAX_NAME_LENGTH} characters`, value);
  return '';
}

/**
 * Level skip asks for no signature, so trust beside it is a misunderstanding; and skip for the
 * global scope would admit every image that nobody thought of, which the specification forbids
 * (Notation lets it pass).
 */
function checkSkip(
  statement: Statement,
  trust: Readonly<Record<string, unknown>>,
  place: string,
  findings: Findings,
): void {
  for (const [member, value] of Object.entries(trust)) {
    if (!isEmpty(value)) findings.fault(`${place}.${member}`, 'none at level skip', value);
  }
  if (statement.registryScopes.includes(GLOBAL_SCOPE)) {
    findings.fault(`${place}.registryScopes`, 'named repositories at level skip', GLOBAL_SCOPE);
  }
}

function checkPresent(value: unknown, place: string, findings: Findings): void {
  if (isEmpty(value)) findings.fault(place, 'at least one entry, unless the level is skip', value);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}
