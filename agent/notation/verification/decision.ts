// The decision: what the signatures of one image come to under one policy statement.
import type { AgentError } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';
import { cut, show } from '../../oci/show.ts';
import { type Evaluation, isEnforcedFailure, isFailure } from './evaluation.ts';
import { isInconclusive } from './inconclusive.ts';
import {
  MAX_SKIPPED_SHOWN,
  NONE_SKIPPED,
  type Reason,
  type SkippedSignature,
  type ValidationResult,
  type Verdict,
} from './verdict.ts';
import { isoTime } from '../../utc.ts';

/** The part of a verdict that says what was decided and why. */
export type Decided = Pick<
  Verdict,
  | 'decision'
  | 'reason'
  | 'message'
  | 'inconclusive'
  | 'signature'
  | 'signer'
  | 'results'
  | 'skippedSignatures'
  | 'validUntil'
>;

/** A signature that could not be evaluated because its manifest or envelope could not be had. */
export interface UnusableSignature {
  readonly signature: Digest;
  readonly error: AgentError;
}

/** A signature of the image that was looked at, in whichever way that ended. */
export type LookedAt = Evaluation | UnusableSignature;

/** Five of the longest messages must fit an answer of the agent beside everything else. */
const MAX_SKIPPED_CHARACTERS = 300;

const NOTHING = {
  ...{ signature: null, signer: null, results: [], skippedSignatures: NONE_SKIPPED },
  validUntil: null,
};

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

/** The allow that a good evaluation gives; `skipped` were looked at before it. */
export function allowFor(
  { signature, signer, results, validUntil }: Evaluation,
  skipped: readonly LookedAt[] = [],
): Decided {
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
    skippedSignatures: countSkipped(skipped),
    validUntil: validUntil === null ? null : isoTime(validUntil),
  };
}

/**
 * The deny when no signature was good. A signature that could not be judged might have been the good
 * one, so it makes the whole inconclusive; otherwise the one that came furthest tells most.
 * Of equals, the one looked at first. There must be one: without any it is `signature_missing`.
 */
export function denyAll(signatures: readonly LookedAt[]): Decided {
  const denials = signatures.map(denialOf);
  const [first, ...others] = denials;
  if (first === undefined) throw new TypeError('no signature to deny for');
  const chosen = others.reduce((best, next) => (next.rank > best.rank ? next : best), first);
  const { decided, of } = chosen;
  if (denials.length === 1) return decided;
  const message = `none of ${denials.length} signatures is good; the closest: ${decided.message}`;
  const skippedSignatures = countSkipped(signatures.filter((signature) => signature !== of));
  return { ...decided, message, skippedSignatures, validUntil: earliest(denials) };
}

/** Any of them may turn good. */
function earliest(denials: readonly Denial[]): string | null {
  const moments = denials.flatMap(({ decided: { validUntil } }) => validUntil ?? []);
  // All are as `isoTime` writes them, so their order is that of their text.
  return moments.sort()[0] ?? null;
}

function countSkipped(signatures: readonly LookedAt[]) {
  const first = signatures.slice(0, MAX_SKIPPED_SHOWN).map(skippedSignature);
  return { count: signatures.length, first };
}

function skippedSignature(looked: LookedAt): SkippedSignature {
  const { signature } = looked;
  const { code, message } = 'error' in looked ? looked.error : enforcedFailure(looked);
  return { signature, code, message: cut(message, MAX_SKIPPED_CHARACTERS) };
}

interface Denial {
  readonly of: LookedAt;
  readonly decided: Decided;
  readonly rank: number;
}

/** Above every number of passed validations. */
const INCONCLUSIVE_RANK = 100;

function denialOf(looked: LookedAt): Denial {
  return 'error' in looked ? denialOfUnusable(looked) : denialOfEvaluation(looked);
}

function denialOfEvaluation(evaluation: Evaluation): Denial {
  const { signature, signer, results, validUntil } = evaluation;
  const { code, message, inconclusive } = enforcedFailure(evaluation);
  return {
    of: evaluation,
    decided: {
      decision: 'deny',
      reason: code,
      message,
      inconclusive,
      signature,
      signer,
      results,
      skippedSignatures: NONE_SKIPPED,
      validUntil: validUntil === null ? null : isoTime(validUntil),
    },
    rank: (inconclusive ? INCONCLUSIVE_RANK : 0) + countPassed(results),
  };
}

function enforcedFailure({ results }: Evaluation) {
  const failure = results.find(isEnforcedFailure);
  if (failure?.code === undefined) throw new TypeError('a good signature is no reason to deny');
  const { code, message, outcome } = failure;
  return { code, message, inconclusive: outcome === 'inconclusive' };
}

function denialOfUnusable(unusable: UnusableSignature): Denial {
  const { signature, error } = unusable;
  const inconclusive = isInconclusive(error.code);
  return {
    of: unusable,
    decided: { ...denyFor(error), signature },
    rank: inconclusive ? INCONCLUSIVE_RANK : -1,
  };
}

function countPassed(results: readonly ValidationResult[]): number {
  return results.filter((result) => result.outcome === 'passed').length;
}
