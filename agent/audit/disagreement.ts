// Whether containerd did otherwise with an image than we would, and how that came about. Pure.
import type { Decision } from '../notation/verification/verdict.ts';
import type { Before, HistoryRecord } from './history-record.ts';
import type { VerdictMode } from './image-state.ts';
import { isoTime } from '../utc.ts';

/** `let_in`: containerd let in what we would deny. `refused`: it refused what we would allow. */
export const DISAGREEMENT_KINDS = ['let_in', 'refused'] as const;
export type DisagreementKind = (typeof DISAGREEMENT_KINDS)[number];

/** How it came about, each with one sentence. */
export const DISAGREEMENT_CAUSES = {
  break_glass: 'It was pulled under break-glass, when nobody judged.',
  audit: 'It was pulled in audit mode, which lets in what it denies.',
  bypassed: 'containerd pulled it without a verdict of ours, or against it.',
  not_pulled: 'It was imported, or was there before us: no pull of it is known.',
  no_judgement: 'containerd had no verdict of ours to go by: none came in time, or none at all.',
  inconclusive: 'The verdict could not tell then.',
  overruled:
    'containerd refused what our verifier allowed: another verifier did, or its answer came too late.',
  policy_changed: 'The trust policy is another one since.',
  trust_changed: 'The trust stores hold other certificates since.',
  evidence_changed:
    'Policy and trust are the same: its signatures, their expiry or a revocation are what changed.',
} as const;
export type DisagreementCause = keyof typeof DISAGREEMENT_CAUSES;

/** What containerd did with an image, and what of ours it had to go by. */
export interface Handling {
  /** Of our verdict; null when there was none. */
  readonly decision: Decision | null;
  readonly reason: string;
  readonly inconclusive: boolean;
  readonly mode: VerdictMode;
  readonly policyHash: string | null;
  readonly trustHash: string | null;
  readonly timeMs: number;
}

/** How containerd last handled an image, each way; null when it never did so. */
export interface Handlings {
  readonly admission: Handling | null;
  readonly refusal: Handling | null;
}

/** What is found. */
export interface Disagreement {
  readonly kind: DisagreementKind;
  readonly cause: DisagreementCause;
  /** What containerd did; null when no pull of the image is known. */
  readonly before: Before | null;
}

/**
 * Holds a verdict that could tell against what containerd did with the image before, and, where it is
 * the verdict of a pull, with that pull. Null when they agree.
 */
export function disagreement(
  verdict: HistoryRecord,
  { admission, refusal }: Handlings,
): Disagreement | null {
  if (verdict.decision === 'allow') {
    // What was let in after it was refused is settled.
    const isSettled =
      refusal === null || (admission !== null && admission.timeMs >= refusal.timeMs);
    return isSettled
      ? null
      : {
          kind: 'refused',
          cause: refusalCause(verdict, refusal),
          before: beforeOf('deny', refusal),
        };
  }
  if (admission !== null) {
    const before = beforeOf('allow', admission);
    return { kind: 'let_in', cause: admissionCause(verdict, admission), before };
  }
  return { kind: 'let_in', cause: 'not_pulled', before: null };
}

function admissionCause(verdict: HistoryRecord, admission: Handling): DisagreementCause {
  if (admission.mode === 'break_glass') return 'break_glass';
  if (admission.decision === 'allow') return change(verdict, admission);
  return admission.decision === 'deny' && admission.mode === 'audit' ? 'audit' : 'bypassed';
}

function refusalCause(verdict: HistoryRecord, refusal: Handling): DisagreementCause {
  if (refusal.decision === null) return 'no_judgement';
  if (refusal.decision === 'allow') return 'overruled';
  return refusal.inconclusive ? 'inconclusive' : change(verdict, refusal);
}

function change(verdict: HistoryRecord, handling: Handling): DisagreementCause {
  if (!isSameHash(verdict.policyHash, handling.policyHash)) return 'policy_changed';
  if (!isSameHash(verdict.trustHash, handling.trustHash)) return 'trust_changed';
  return 'evidence_changed';
}

/** A verdict line in the journal may hold only the first digits of a hash. */
export function isSameHash(a: string | null, b: string | null): boolean {
  if (a === null || b === null) return a === b;
  return a.startsWith(b) || b.startsWith(a);
}

function beforeOf(decision: Decision, { reason, timeMs }: Handling): Before {
  return { decision, reason, time: isoTime(new Date(timeMs)) };
}
