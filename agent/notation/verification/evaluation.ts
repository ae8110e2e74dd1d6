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
  /** The earliest later moment at which time alone may change the results; null when none is known. */
  readonly validUntil: Date | null;
}

type Found = Pick<ValidationResult, 'outcome' | 'code' | 'message'>;

/** Each passes with a sentence on what it saw, or throws an AgentError. */
export type Validations = Readonly<Record<ValidationType, () => string | Promise<string>>>;

/**
 * Performs the validations in order. The first failure that the statement enforces ends it, and the
 * rest are recorded as skipped: what an untrusted signature says is not worth acting on.
 */
export async function evaluate(
  validations: Validations,
  enforcement: Enforcement,
): Promise<readonly ValidationResult[]> {
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
      const result = { type, action, ...(await perform(validations, type)) };
      results.push(result);
      if (isEnforcedFailure(result)) stoppedBy = result;
    }
  }
  return results;
}

/**
 * The results with integrity failed after all, for what only a later validation could find out;
 * unchanged if they deny already, because the first reason is the better one.
 */
export function withIntegrityFault(
  results: readonly ValidationResult[],
  fault: AgentError,
): readonly ValidationResult[] {
  if (results.some(isEnforcedFailure)) return results;
  return results.map((result) =>
    result.type === 'integrity' ? { ...result, ...failed(fault) } : result,
  );
}

/** Tells whether a result denies: it did not pass, and the statement does not merely log it. */
export function isEnforcedFailure(result: ValidationResult): boolean {
  return result.action === 'enforce' && isFailure(result);
}

/** Tells whether a validation was performed and did not pass. */
export function isFailure(result: ValidationResult): boolean {
  return result.outcome === 'failed' || result.outcome === 'inconclusive';
}

async function perform(validations: Validations, type: ValidationType): Promise<Found> {
  try {
    return { outcome: 'passed', message: await validations[type]() };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return failed(error);
  }
}

function failed({ code, message }: AgentError): Found {
  return { outcome: isInconclusive(code) ? 'inconclusive' : 'failed', code, message };
}
