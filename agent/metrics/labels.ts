// The closed sets that metric labels are taken from; image names and digests are never labels.
import { ERROR_CODES } from '../errors.ts';

/** Who asked for a verdict. */
export const VERDICT_SOURCES = ['pull', 'reverification'] as const;
export type VerdictSource = (typeof VERDICT_SOURCES)[number];

/** What is known of an image on the node; `pending` has no verdict under today's policy and trust yet. */
export const IMAGE_STATES = ['verified', 'failed', 'inconclusive', 'pending'] as const;
export type ImageState = (typeof IMAGE_STATES)[number];

/** Whether a verdict was given when the image came; `unjudged` came around the verifier, or before it. */
export const IMAGE_ARRIVALS = ['judged', 'unjudged'] as const;
export type ImageArrival = (typeof IMAGE_ARRIVALS)[number];

/** What containerd says in its journal. */
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
] as const;
export type ContainerdEventName = (typeof CONTAINERD_EVENTS)[number];

/** How a request of the pull verifier to the agent ended. */
export const REQUEST_OUTCOMES = ['allow', 'deny', 'failed', 'invalid', 'abandoned'] as const;
export type RequestOutcome = (typeof REQUEST_OUTCOMES)[number];

/** Decisions of a verdict. */
export const DECISIONS = ['allow', 'deny'] as const;

/** Reasons of a verdict. */
export const REASONS = ['verified', 'skipped_by_policy', ...Object.keys(ERROR_CODES)] as const;

/** What another version of the agent recorded, in the ledger, under a name that this one does not know. */
export const OTHER = 'other';

/** The value if it is of the set, else `OTHER`: a ledger must not be able to make labels. */
export function label(set: readonly string[], value: string): string {
  return set.includes(value) ? value : OTHER;
}
