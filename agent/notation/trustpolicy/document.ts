// Trust policy documents: trust-store-trust-policy.md, "Trust Policy for OCI artifacts", version 1.0.
import { AgentError } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../oci/json-object.ts';
import { hashHex } from '../encoding/crypto.ts';
import { parseStrictJson } from '../encoding/json.ts';
import { JsonPlaces } from '../encoding/json-places.ts';
import { Findings } from './findings.ts';
import { locate } from './locate.ts';
import { checkMembers } from './members.ts';
import { checkUniqueScopes } from './scope.ts';
import { parseStatement, type Statement } from './statement.ts';
import { warnOfGlobalScope, warnOfStatement } from './warnings.ts';

/** A valid document: every rule of the specification holds for it. */
export interface TrustPolicyDocument {
  readonly version: '1.0';
  /** At least one; names and registry scopes are unique among them. */
  readonly statements: readonly Statement[];
  /** SHA-256 (hex) of the document's bytes: changes whenever a verdict could change. */
  readonly hash: string;
}

/** A ConfigMap, which is how most documents arrive, holds at most 1 MiB. */
export const MAX_DOCUMENT_BYTES = 1024 * 1024;
/** The specification's own members nest 5 deep; members it does not know may nest a little deeper. */
const MAX_DOCUMENT_DEPTH = 16;
/** Far above real policies; selection looks at each on every pull. */
export const MAX_STATEMENTS = 1000;

/**
 * Parses a trust policy document. Throws `policy_invalid` with all `faults` together, each with its
 * place. Whether the trust stores exist is for whoever loads them. A caller's own `findings` get the
 * faults and what is surprising, and know the places of this document from then on.
 */
export function parseTrustPolicy(
  bytes: Uint8Array,
  findings: Findings = new Findings(),
): TrustPolicyDocument {
  const statements = readStatements(bytes, findings);
  findings.assertNoFaults('policy_invalid');
  return { version: '1.0', statements, hash: hashHex('sha256', bytes) };
}

function readStatements(bytes: Uint8Array, findings: Findings): readonly Statement[] {
  const value = readJson(bytes, findings);
  if (findings.faults.length > 0) return [];
  if (!isJsonObject(value)) {
    findings.fault('document', 'an object', value);
    return [];
  }
  checkMembers(value, ['version', 'trustPolicies'], 'document', findings);
  if (value['version'] !== '1.0') findings.fault('version', '"1.0"', value['version']);
  return parseStatements(value, findings);
}

/** The document as JSON. What is no JSON is noted as a fault, and the value then means nothing. */
function readJson(bytes: Uint8Array, findings: Findings): unknown {
  const places = new JsonPlaces();
  try {
    const value = parseStrictJson(bytes, {
      what: 'trust policy document',
      maxBytes: MAX_DOCUMENT_BYTES,
      maxDepth: MAX_DOCUMENT_DEPTH,
      code: 'policy_invalid',
      places,
    });
    findings.locateBy((path, member) => locate(places, value, path, member));
    return value;
  } catch (error) {
    if (!(error instanceof AgentError) || places.fault === undefined) throw error;
    const { sentence, position } = places.fault;
    findings.locateBy(() => position);
    findings.faultAs('document', sentence);
    return undefined;
  }
}

function parseStatements(document: JsonObject, findings: Findings): readonly Statement[] {
  const { trustPolicies } = document;
  if (
    !Array.isArray(trustPolicies) ||
    trustPolicies.length === 0 ||
    trustPolicies.length > MAX_STATEMENTS
  ) {
    findings.fault('trustPolicies', `an array of 1 to ${MAX_STATEMENTS} statements`, trustPolicies);
    return [];
  }
  const statements = trustPolicies.map((value: unknown, index) => {
    const place = `trustPolicies[${index}]`;
    const statement = parseStatement(value, place, findings);
    if (statement !== undefined) warnOfStatement(statement, value, place, findings);
    return statement;
  });
  warnOfGlobalScope(statements, findings);
  checkUniqueNames(trustPolicies, findings);
  checkUniqueScopes(trustPolicies, 'trustPolicies', findings);
  return statements.filter((statement) => statement !== undefined);
}

/** Takes the statements as JSON, so that what else is wrong with them hides nothing. */
function checkUniqueNames(statements: readonly unknown[], findings: Findings): void {
  const places = new Map<string, string>();
  for (const [index, statement] of statements.entries()) {
    const name = isJsonObject(statement) ? statement['name'] : undefined;
    if (typeof name !== 'string' || name === '') continue;
    const here = `trustPolicies[${index}].name`;
    const earlier = places.get(name);
    if (earlier === undefined) places.set(name, here);
    else findings.fault(here, `a name that is not also ${earlier}`, name);
  }
}
