// Does this node enforce? Pure: from what was proved and what is suspected to one state with its causes.
import type { CanaryResult } from './canary-result.ts';
import { type Cause, causeOf } from './causes.ts';

/** `unknown` is not the same as `bypassed`: it could not be told. */
export const ENFORCEMENT_STATES = ['enforcing', 'bypassed', 'unknown'] as const;
export type EnforcementState = (typeof ENFORCEMENT_STATES)[number];

/** What is known of this node's enforcement. */
export interface Enforcement {
  readonly state: EnforcementState;
  /** Those that decided first. Beside `enforcing`, what may end it or speaks against it. */
  readonly causes: readonly Cause[];
  /** When the last canary began that proved it; null when none did since the agent started. */
  readonly provedAt: Date | null;
}

const EFFECTS = ['opened', 'bypass', 'blocks', 'warning'] as const;

/** Something that speaks against enforcement without proving anything. */
export interface Suspicion extends Cause {
  /** Lets images in on purpose; keeps verifiers from being asked; keeps pulls from working; or is to be told and no more. */
  readonly effect: (typeof EFFECTS)[number];
}

/** One canary that has ended. */
export interface CanaryRecord {
  readonly result: CanaryResult;
  /** When it began: what changed since then may not have been seen by it. */
  readonly at: Date;
}

/** Everything that the state is made from. */
export interface Evidence {
  readonly suspicions: readonly Suspicion[];
  /** The last canary, whatever came of it. */
  readonly last: CanaryRecord | null;
  /** The last one that proved or refuted. */
  readonly told: CanaryRecord | null;
  /** The last one that proved. */
  readonly provedAt: Date | null;
  /** When containerd last started, or the verifier was last found missing: canaries before it tell nothing. */
  readonly changedAt: Date | null;
  /** Between two canaries, in milliseconds. */
  readonly intervalMs: number;
}

/** One canary may be missed. */
const FRESH_INTERVALS = 2;
/** By how much a clock that is put right may make a canary seem to be of the future. */
const CLOCK_TOLERANCE_MS = 60_000;

/**
 * What the last canary that told anything says, if it is fresh (at most two intervals old, and begun
 * after the last change), wins over every suspicion; without it, a suspicion of a bypass is believed.
 *
 * | fresh canary | suspicion of a bypass | state | causes, in order |
 * |---|---|---|---|
 * | refuted | any | bypassed | what lets images in on purpose, the canary's, suspicions, why later ones tell nothing |
 * | proved | any | enforcing | suspicions, why later ones tell nothing |
 * | none | yes | bypassed | suspicions, why none tells |
 * | none | no | unknown | why none tells, suspicions |
 *
 * Why later ones tell nothing: the cause of the last canary, if it was inconclusive; a fresh proof
 * outlives it. Why none tells: `canary_pending` before the first and after a change, the cause of
 * the last one since if it was inconclusive, or else `canary_stale`.
 */
export function enforcementOf(evidence: Evidence, now: Date): Enforcement {
  const { told, last, provedAt } = evidence;
  const suspicions = [...evidence.suspicions].sort((a, b) => weightOf(a) - weightOf(b));
  const suspected = suspicions.map(({ code, message, remedy }) => ({ code, message, remedy }));
  const openings = suspicions.filter(({ effect }) => effect === 'opened').length;
  const [opened, rest] = [suspected.slice(0, openings), suspected.slice(openings)];
  if (told !== null && isFresh(told, evidence, now)) {
    const later = last?.result.kind === 'inconclusive' ? [last.result.cause] : [];
    return told.result.kind === 'proved'
      ? { state: 'enforcing', causes: [...suspected, ...later], provedAt }
      : { state: 'bypassed', causes: [...opened, told.result.cause, ...rest, ...later], provedAt };
  }
  const why = whyNoneTells(evidence);
  const [first] = suspicions;
  return first?.effect === 'opened' || first?.effect === 'bypass'
    ? { state: 'bypassed', causes: [...suspected, why], provedAt }
    : { state: 'unknown', causes: [why, ...suspected], provedAt };
}

function weightOf({ effect }: Suspicion): number {
  return EFFECTS.indexOf(effect);
}

function isFresh(canary: CanaryRecord, evidence: Evidence, now: Date): boolean {
  const ageMs = now.getTime() - canary.at.getTime();
  const isOld = ageMs > FRESH_INTERVALS * evidence.intervalMs || ageMs < -CLOCK_TOLERANCE_MS;
  return !isOld && isSinceChange(canary, evidence);
}

function isSinceChange({ at }: CanaryRecord, { changedAt }: Evidence): boolean {
  return changedAt === null || at >= changedAt;
}

function whyNoneTells(evidence: Evidence): Cause {
  const { last } = evidence;
  if (last === null || !isSinceChange(last, evidence)) return causeOf('canary_pending');
  return last.result.kind === 'inconclusive' ? last.result.cause : causeOf('canary_stale');
}
