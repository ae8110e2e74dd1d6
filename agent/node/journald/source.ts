// What every source of containerd's log offers, and what it tells of its own reading.
import type { AgentError } from '../../errors.ts';
import type { JournalEntry } from './entry.ts';

/** How far a log has been read. */
export interface LogPosition {
  /** Opaque to all but the source that gave it. At most 1,024 characters. */
  readonly cursor: string;
  /** When the entry was received, microseconds since 1970. */
  readonly realtimeUs: number;
}

/** What an operator should know about the reading itself; each is worth a metric. */
export type FollowIncident =
  /** An entry was dropped; what follows it is read. */
  | { readonly kind: 'entry_invalid'; readonly error: AgentError }
  /** What was between two entries is no longer there, and some of it may have been ours. */
  | {
      readonly kind: 'gap';
      readonly from: LogPosition;
      readonly to: LogPosition;
      /** How many entries of any writer were lost at most; null when nobody can tell. */
      readonly entries: number | null;
    }
  /** journald refused entries of our unit, because there were too many. */
  | { readonly kind: 'suppressed'; readonly entries: number; readonly at: LogPosition }
  /** All that there is has been read. Told once a source knows, and each time that it asks again. */
  | { readonly kind: 'caught_up' }
  /** There is something newer than what was read last, and it does not come. */
  | { readonly kind: 'waiting'; readonly newest: LogPosition }
  /** The reader ended and is started again after `waitMs`. */
  | { readonly kind: 'restart'; readonly error: AgentError; readonly waitMs: number }
  /** The host's own journalctl cannot be used; ours reads. */
  | { readonly kind: 'fallback'; readonly error: AgentError }
  /** Ours is older than the journal it reads, and may pass over in silence what it does not know. */
  | { readonly kind: 'older_reader'; readonly version: number; readonly hostVersion: number }
  /** What a reader said while it went on, such as that it ignores a damaged file. */
  | { readonly kind: 'complaint'; readonly text: string };

export interface FollowRequest {
  /** The last entry that was handled, as this source gave it; reading starts after it. */
  readonly after?: LogPosition;
  /** Where to start when there is no such entry, e.g. an hour ago. */
  readonly since: Date;
  /** Ends the iteration, without an error. */
  readonly signal: AbortSignal;
  readonly onIncident: (incident: FollowIncident) => void;
}

/**
 * A stream of log entries that outlives whatever happens to its files, programs and connections.
 *
 * `follow` yields entries in batches, in order, each once; nothing is read ahead of a slow consumer
 * but what buffers of fixed size hold. It ends only by the signal or by the consumer, and throws for
 * mistakes of ours only: everything else is an incident. An entry is a `LogPosition`; the caller must
 * persist it only together with what came of the entry and all before it.
 */
export interface LogSource {
  follow(request: FollowRequest): AsyncGenerator<readonly JournalEntry[], void>;
}
