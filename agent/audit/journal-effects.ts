// What an entry of the journal means for the ledger.
import type { Verdict } from '../notation/verification/verdict.ts';
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
}

/** What this folder needs to know of a containerd line; `agent/node/journald` classifies them. */
export interface ContainerdReading {
  readonly kind: Exclude<JournalEventKind, 'untrusted_verdict' | 'unreadable_line'> | 'other';
  readonly name?: string;
  readonly reason?: string;
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

/** What the ledger writes. */
export type JournalEffect =
  | { readonly kind: 'pull_verdict'; readonly verdict: PullVerdict }
  | {
      readonly kind: 'event';
      readonly event: JournalEventKind;
      /** When journald received it, microseconds since 1970. */
      readonly atUs: number;
      /** For an operator; attacker-controlled, at most `MAX_DETAIL_LENGTH`. */
      readonly detail: string;
    };

/** One row per kind of event is kept, so this bounds the table. */
export const MAX_DETAIL_LENGTH = 512;

/** The effects of one reading; none for what is not ours. */
export function journalEffects(reading: JournalReading, atUs: number): readonly JournalEffect[] {
  switch (reading.kind) {
    case 'verdict':
      return [{ kind: 'pull_verdict', verdict: reading.verdict }];
    case 'containerd':
      return reading.event.kind === 'other'
        ? []
        : [eventEffect(reading.event.kind, atUs, detailOf(reading.event))];
    case 'untrusted_verdict':
      return [eventEffect('untrusted_verdict', atUs, '')];
    case 'unreadable':
      return [eventEffect('unreadable_line', atUs, reading.error.message)];
    case 'nothing':
      return [];
  }
}

function eventEffect(event: JournalEventKind, atUs: number, detail: string): JournalEffect {
  return { kind: 'event', event, atUs, detail: detail.slice(0, MAX_DETAIL_LENGTH) };
}

function detailOf({ name, reason, error, setting, version, detail }: ContainerdReading): string {
  const parts = [name, setting, version, reason ?? error, detail];
  return parts.filter((part) => part !== undefined).join(': ');
}
