// What this folder needs to know of an entry of the journal; agent/node/journald reads them.
import type { Verdict } from '../notation/verification/verdict.ts';
import type { Digest } from '../oci/digest.ts';
import type { VerdictMode } from './image-state.ts';

/** Everything of the journal that is counted; also metric label values. */
export const JOURNAL_EVENTS = [
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
export type JournalEventKind = (typeof JOURNAL_EVENTS)[number];

/** A verdict of the pull verifier, as its verdict line told it. */
export interface PullVerdict extends Omit<
  Verdict,
  'results' | 'level' | 'skippedSignatures' | 'validUntil'
> {
  /** Signatures that were looked at and did not decide. Default: none. */
  readonly skipped?: number;
  /** Whether the pull was bound by it. Default: enforce. */
  readonly mode?: Exclude<VerdictMode, 'none'>;
  /** The reference as containerd gave it. Default: repository and digest. */
  readonly name?: string;
  /** Who judged. */
  readonly via?: 'agent' | 'host';
}

/** What this folder needs to know of a containerd line; `agent/node/journald` classifies them. */
export interface ContainerdReading {
  readonly kind: Exclude<JournalEventKind, 'untrusted_verdict' | 'unreadable_line'> | 'other';
  readonly name?: string;
  readonly digest?: Digest;
  readonly repoDigest?: string;
  readonly reason?: string;
  /** The verifier that rejected or failed, why, and after how long. */
  readonly verifier?: string | null;
  readonly cause?: string;
  readonly runtimeMs?: number | null;
  readonly error?: string;
  readonly setting?: string;
  readonly version?: string;
  readonly detail?: string;
}

/** One entry as `agent/node/journald` reads it. */
export type JournalReading =
  | { readonly kind: 'verdict'; readonly verdict: PullVerdict }
  | { readonly kind: 'containerd'; readonly event: ContainerdReading }
  | { readonly kind: 'untrusted_verdict' }
  | { readonly kind: 'unreadable'; readonly error: Error }
  | { readonly kind: 'nothing' };
