// One signature against one policy statement: trust-store-trust-policy.md, "Signature Verification > Steps".
import { AgentError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import type { Enforcement } from '../trustpolicy/level.ts';
import { isInconclusive } from './inconclusive.ts';
import { VALIDATION_TYPES, type ValidationResult, type ValidationType } from './verdict.ts';

/** What the validations of one signature found. */
export interface Evaluation {
  /** Digest of the signature manifest. */
  readonly signature: Digest;
  /** Subject of the signing certificate, once integrity has passed. */
  readonly signer: string | null;
  /** One per validation type, in the order in which they were performed. */
  readonly results: readonly ValidationResult[];
}

/** A validation passes with a sentence on what it saw, or throws an AgentError. */
export type Validation = () => string;

/**
 * Performs the validations in order. The first failure that the statement enforces ends it, and the
 * rest are recorded as skipped: what an untrusted signature says is not worth acting on.
 */
export function evaluate(
  validations: Readonly<Record<ValidationType, Validation>>,
  enforcement: Enforcement,
): readonly ValidationResult[] {
  const results: ValidationResult[] = [];
  let stoppedBy: ValidationResult | undefined;
  for (const type of VALIDATION_TYPES) {
    const action = enforcement[type];
    if (stoppedBy !== undefined) {
      const message = `not performed, because ${stoppedBy.type} did not pass`;
      results.push({ type, action, outcome: 'skipped', message });
    } else if (action === 'skip') {
      results.push({ type, action, outcome: 'skipped', message: 'the policy statement skips it' });
    } else {
      const result = { type, action, ...perform(validations[type]) };
      results.push(result);
      if (isEnforcedFailure(result)) stoppedBy = result;
    }
  }
  return results;
}

/** Tells whether a result denies: it did not pass, and the statement does not merely log it. */
export function isEnforcedFailure(result: ValidationResult): boolean {
  return result.action === 'enforce' && isFailure(result);
}

/** Tells whether a validation was performed and did not pass. */
export function isFailure(result: ValidationResult): boolean {
  return result.outcome === 'failed' || result.outcome === 'inconclusive';
}

function perform(validation: Validation): Pick<ValidationResult, 'outcome' | 'code' | 'message'> {
  try {
    return { outcome: 'passed', message: validation() };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const { code, message } = error;
    return { outcome: isInconclusive(code) ? 'inconclusive' : 'failed', code, message };
  }
}
