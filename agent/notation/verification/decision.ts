// The decision: what the signatures of one image come to under one policy statement.
import type { AgentError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { show } from '../../oci/show.ts';
import { type Evaluation, isEnforcedFailure, isFailure } from './evaluation.ts';
import { isInconclusive } from './inconclusive.ts';
import type { Reason, ValidationResult, Verdict } from './verdict.ts';

/** The part of a verdict that says what was decided and why. */
export type Decided = Pick<
  Verdict,
  'decision' | 'reason' | 'message' | 'inconclusive' | 'signature' | 'signer' | 'results'
>;

/** A signature that could not be evaluated because its manifest or envelope could not be had. */
export interface UnusableSignature {
  readonly signature: Digest;
  readonly error: AgentError;
}

const NOTHING = { signature: null, signer: null, results: [] } as const;

/** An allow because the statement has the level skip: no signature was looked for. */
export function allowSkipped(statement: string): Decided {
  return {
    decision: 'allow',
    reason: 'skipped_by_policy',
    message: `the policy statement ${show(statement)} skips verification`,
    inconclusive: false,
    ...NOTHING,
  };
}

/** A deny before any signature was evaluated. */
export function denyFor(error: AgentError): Decided {
  const { code, message } = error;
  return {
    decision: 'deny',
    reason: code,
    message,
    inconclusive: isInconclusive(code),
    ...NOTHING,
  };
}

/** Tells whether an evaluation allows its image, so that no further signature need be looked at. */
export function isGood(evaluation: Evaluation): boolean {
  return evaluation.results.length > 0 && !evaluation.results.some(isEnforcedFailure);
}

/** The allow that a good evaluation gives. */
export function allowFor({ signature, signer, results }: Evaluation): Decided {
  const logged = results.filter(isFailure);
  const reason: Reason = logged.length === 0 ? 'verified' : 'failure_logged';
  const failures = logged.map((result) => `${result.type}: ${result.message}`).join('; ');
  return {
    decision: 'allow',
    reason,
    message:
      reason === 'verified'
        ? `signed by ${signer ?? 'nobody'}`
        : `allowed although a validation that is only logged did not pass: ${failures}`,
    inconclusive: false,
    signature,
    signer,
    results,
  };
}

/**
 * The deny when no signature was good. A signature that could not be judged might have been the good
 * one, so it makes the whole inconclusive; otherwise the one that came furthest tells most.
 * There must be at least one of either kind: an image without signatures is `signature_missing`.
 */
export function denyAll(
  evaluations: readonly Evaluation[],
  unusable: readonly UnusableSignature[],
): Decided {
  const denials = [...evaluations.map(denialOf), ...unusable.map(denialOfUnusable)];
  const [first, ...others] = denials;
  if (first === undefined) throw new TypeError('no signature to deny for');
  const chosen = others.reduce((best, next) => (next.rank > best.rank ? next : best), first);
  const { decided } = chosen;
  if (denials.length === 1) return decided;
  const message = `none of ${denials.length} signatures is good; the closest: ${decided.message}`;
  return { ...decided, message };
}

interface Denial {
  readonly decided: Decided;
  readonly rank: number;
}

/** Above every number of passed validations. */
const INCONCLUSIVE_RANK = 100;

function denialOf({ signature, signer, results }: Evaluation): Denial {
  const failure = results.find(isEnforcedFailure);
  if (failure?.code === undefined) throw new TypeError('a good signature is no reason to deny');
  const inconclusive = failure.outcome === 'inconclusive';
  return {
    decided: {
      decision: 'deny',
      reason: failure.code,
      message: failure.message,
      inconclusive,
      signature,
      signer,
      results,
    },
    rank: (inconclusive ? INCONCLUSIVE_RANK : 0) + countPassed(results),
  };
}

function denialOfUnusable({ signature, error }: UnusableSignature): Denial {
  const inconclusive = isInconclusive(error.code);
  return {
    decided: { ...denyFor(error), signature },
    rank: inconclusive ? INCONCLUSIVE_RANK : -1,
  };
}

function countPassed(results: readonly ValidationResult[]): number {
  return results.filter((result) => result.outcome === 'passed').length;
}
