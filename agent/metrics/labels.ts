// The closed sets that metric labels are taken from; image names and digests are never labels.
import { ERROR_CODES } from '../errors.ts';
import { ALLOW_REASONS } from '../notation/verification/verdict.ts';

/** Who asked for a verdict. */
export const VERDICT_SOURCES = ['pull', 'reverification'] as const;
export type VerdictSource = (typeof VERDICT_SOURCES)[number];

/** What is known of an image on the node; `agent/audit/image-state.ts` says what each means. */
export const REVERIFICATION_MEANS = ['known', 'registry', 'paused'] as const;
export type ReverificationMeansName = (typeof REVERIFICATION_MEANS)[number];

export const IMAGE_STATES = ['verified', 'stale', 'failed', 'inconclusive', 'unverified'] as const;
export type ImageState = (typeof IMAGE_STATES)[number];

/** How an image came, or that the policy asks for no signature of it. */
export const IMAGE_CAUSES = [
  'pulled',
  'imported',
  'present-before-install',
  'bypassed',
  'skipped-by-policy',
  'no-record',
] as const;
export type ImageCause = (typeof IMAGE_CAUSES)[number];

/** What containerd's log is read from. */
export const LOG_SOURCES = ['journald', 'file', 'upload'] as const;
export type LogSourceName = (typeof LOG_SOURCES)[number];

/** What containerd's journal holds: its own lines, and entries that only look like ours. */
export const CONTAINERD_EVENTS = [
  'pull_blocked',
  'pull_allowed',
  'no_judgement',
  'verifiers_skipped',
  'pull_fallback',
  'image_created',
  'image_updated',
  'image_deleted',
  'pull_started',
  'pull_finished',
  'pull_failed',
  'containerd_started',
  'containerd_booted',
  'untrusted_verdict',
  'unreadable_line',
] as const;
export type ContainerdEventName = (typeof CONTAINERD_EVENTS)[number];

/** How a request of the pull verifier to the agent ended. */
export const REQUEST_OUTCOMES = ['allow', 'deny', 'failed', 'invalid', 'abandoned'] as const;
export type RequestOutcome = (typeof REQUEST_OUTCOMES)[number];

/** Whether this node enforces. */
export const ENFORCEMENT_STATES = ['enforcing', 'bypassed', 'unknown'] as const;
export type EnforcementStateName = (typeof ENFORCEMENT_STATES)[number];

/** How a canary ended. */
export const CANARY_RESULTS = ['proved', 'refuted', 'inconclusive'] as const;
export type CanaryResultName = (typeof CANARY_RESULTS)[number];

/** Whether pulls are bound by their verdicts. */
export const MODES = ['enforce', 'audit'] as const;
export type ModeName = (typeof MODES)[number];

/** By what an image came in against its verdict, or without one. */
export const UNENFORCED_MODES = ['audit', 'break_glass'] as const;

/** What others touched on the host, and what they did. */
export const DRIFT_PLACES = [
  'trust',
  'policy',
  'settings',
  'verifier',
  'record',
  'directory',
] as const;
export type DriftPlaceName = (typeof DRIFT_PLACES)[number];
export const DRIFT_KINDS = ['changed', 'removed', 'replaced', 'attributes', 'shadowed'] as const;
export type DriftKindName = (typeof DRIFT_KINDS)[number];

/** What a pull is counted as, and why, where that says too little. */
export const PULL_JUDGEMENTS = [
  'allow',
  'deny',
  'blocked',
  'no_judgement',
  'unjudged',
  'not_reached',
] as const;
export const PULL_CAUSES = [
  '',
  'other_verifier',
  'verdict_lost',
  'timeout',
  'killed',
  'exec_failed',
  'output_held',
  'other',
] as const;
/** Whether a verdict of ours bound the pull; `none` without one. */
export const PULL_MODES = ['enforce', 'audit', 'break_glass', 'none'] as const;

/** How verdicts of ours and what containerd did differ, and how each may come about. */
export const DISAGREEMENTS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'let_in',
    [
      'break_glass',
      'audit',
      'bypassed',
      'not_pulled',
      'policy_changed',
      'trust_changed',
      'evidence_changed',
    ],
  ],
  [
    'refused',
    [
      'no_judgement',
      'inconclusive',
      'overruled',
      'policy_changed',
      'trust_changed',
      'evidence_changed',
    ],
  ],
]);

/** Why rows of the ledger are removed. */
export const REMOVAL_CAUSES = ['age', 'size', 'gone'] as const;
export type RemovalCauseName = (typeof REMOVAL_CAUSES)[number];

/** Decisions of a verdict. */
export const DECISIONS = ['allow', 'deny'] as const;

/** Reasons of a verdict. */
export const REASONS = [...Object.keys(ALLOW_REASONS), ...Object.keys(ERROR_CODES)] as const;

/** What another version of the agent recorded, in the ledger, under a name that this one does not know. */
export const OTHER = 'other';

/** The value if it is of the set, else `OTHER`: a ledger must not be able to make labels. */
export function label(set: readonly string[], value: string): string {
  return set.includes(value) ? value : OTHER;
}
