// Signature verification levels: trust-store-trust-policy.md, "Signature Verification details".
import { isJsonObject } from '../../oci/json-object.ts';
import {
  type Level,
  LEVELS,
  VALIDATION_TYPES,
  type ValidationAction,
  type ValidationType,
} from '../verification/verdict.ts';
import type { Findings } from './findings.ts';
import { checkMembers } from './members.ts';

/** When a timestamp countersignature is to be verified. */
const VERIFY_TIMESTAMP = ['always', 'afterCertExpiry'] as const;
export type VerifyTimestamp = (typeof VERIFY_TIMESTAMP)[number];

/** What a failed validation does, for each of the five. */
export type Enforcement = Readonly<Record<ValidationType, ValidationAction>>;

/** The `signatureVerification` of a statement. */
export interface SignatureVerification {
  readonly level: Level;
  /** The level's row of the table with the statement's overrides applied. */
  readonly enforcement: Enforcement;
  /** `always` unless the statement says otherwise. */
  readonly verifyTimestamp: VerifyTimestamp;
}

/** The specification's table, as it stands there. */
export const ENFORCEMENT: Readonly<Record<Level, Enforcement>> = {
  strict: {
    integrity: 'enforce',
    authenticity: 'enforce',
    authenticTimestamp: 'enforce',
    expiry: 'enforce',
    revocation: 'enforce',
  },
  permissive: {
    integrity: 'enforce',
    authenticity: 'enforce',
    authenticTimestamp: 'log',
    expiry: 'log',
    revocation: 'log',
  },
  audit: {
    integrity: 'enforce',
    authenticity: 'log',
    authenticTimestamp: 'log',
    expiry: 'log',
    revocation: 'log',
  },
  skip: {
    integrity: 'skip',
    authenticity: 'skip',
    authenticTimestamp: 'skip',
    expiry: 'skip',
    revocation: 'skip',
  },
};

/** The actions that an override may name: integrity always counts, only revocation may be skipped. */
const OVERRIDES: Readonly<Record<ValidationType, readonly ValidationAction[]>> = {
  integrity: [],
  authenticity: ['enforce', 'log'],
  authenticTimestamp: ['enforce', 'log'],
  expiry: ['enforce', 'log'],
  revocation: ['enforce', 'log', 'skip'],
};

/** Narrows a value to a statement's `signatureVerification`, or notes every fault and returns none. */
export function parseSignatureVerification(
  value: unknown,
  place: string,
  findings: Findings,
): SignatureVerification | undefined {
  if (!isJsonObject(value)) {
    findings.fault(place, 'an object', value);
    return undefined;
  }
  checkMembers(value, ['level', 'override', 'verifyTimestamp'], place, findings);
  const override = parseOverride(value['override'], `${place}.override`, findings);
  const verifyTimestamp = parseVerifyTimestamp(value['verifyTimestamp'], place, findings);
  const level = LEVELS.find((candidate) => candidate === value['level']);
  if (level === undefined) {
    findings.fault(`${place}.level`, `one of ${LEVELS.join(', ')}`, value['level']);
    return undefined;
  }
  if (level === 'skip' && isJsonObject(value['override']) && !isEmpty(value['override'])) {
    findings.fault(`${place}.override`, 'no override of the level skip', value['override']);
  }
  return { level, enforcement: { ...ENFORCEMENT[level], ...override }, verifyTimestamp };
}

function parseOverride(value: unknown, place: string, findings: Findings): Partial<Enforcement> {
  if (value === undefined || value === null) return {};
  if (!isJsonObject(value)) {
    findings.fault(place, 'an object', value);
    return {};
  }
  const override: Partial<Record<ValidationType, ValidationAction>> = {};
  for (const [name, found] of Object.entries(value)) {
    const type = VALIDATION_TYPES.find((candidate) => candidate === name);
    if (type === undefined) {
      findings.fault(place, `the validation types ${VALIDATION_TYPES.join(', ')}`, name, name);
      continue;
    }
    const action = OVERRIDES[type].find((candidate) => candidate === found);
    if (action === undefined) findings.fault(`${place}.${type}`, overridable(type), found);
    else override[type] = action;
  }
  return override;
}

function overridable(type: ValidationType): string {
  const actions = OVERRIDES[type];
  return actions.length === 0 ? 'no override, it is always enforced' : actions.join(' or ');
}

function parseVerifyTimestamp(value: unknown, place: string, findings: Findings): VerifyTimestamp {
  // Notation takes the empty string for absent, and so do we: both mean the stricter value.
  if (value === undefined || value === null || value === '') return 'always';
  const found = VERIFY_TIMESTAMP.find((candidate) => candidate === value);
  if (found === undefined) {
    findings.fault(`${place}.verifyTimestamp`, VERIFY_TIMESTAMP.join(' or '), value);
  }
  return found ?? 'always';
}

function isEmpty(object: object): boolean {
  return Object.keys(object).length === 0;
}
