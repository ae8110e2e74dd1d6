// What one journal entry means to us: a verdict, an event of containerd, a forgery, or nothing.
import { AgentError } from '../../errors.ts';
import { classifyContainerdLine, type ContainerdEvent } from './containerd-event.ts';
import { parseContainerdLine } from './containerd-line.ts';
import type { JournalEntry } from './entry.ts';
import { type JournalWriters, sourceOf } from './trusted.ts';
import { parseVerdictLine, VERDICT_LINE_START, type VerdictLine } from './verdict-line.ts';

export type JournalReading =
  | { readonly kind: 'verdict'; readonly verdict: VerdictLine }
  | { readonly kind: 'containerd'; readonly event: ContainerdEvent }
  /** A verdict line that the trusted fields do not back. It counts for nothing but an alarm. */
  | { readonly kind: 'untrusted_verdict' }
  /** From a writer of ours, but not in its format: raw output of a shim, a line split by journald. */
  | { readonly kind: 'unreadable'; readonly error: AgentError }
  | { readonly kind: 'nothing' };

const NOTHING: JournalReading = { kind: 'nothing' };

/** Reads one entry. Never throws for what an entry holds. */
export function readEntry(entry: JournalEntry, writers: JournalWriters): JournalReading {
  const source = sourceOf(entry, writers);
  try {
    switch (source) {
      case 'verifier':
        return { kind: 'verdict', verdict: parseVerdictLine(entry.message) };
      case 'containerd':
        return readContainerdLine(entry.message);
      case 'other':
        return isVerdictLike(entry.message) ? { kind: 'untrusted_verdict' } : NOTHING;
    }
  } catch (error) {
    if (error instanceof AgentError) return { kind: 'unreadable', error };
    throw error;
  }
}

function readContainerdLine(message: string): JournalReading {
  // Through containerd's stderr a shim can print anything, also a copy of our own line.
  if (isVerdictLike(message)) return { kind: 'untrusted_verdict' };
  const event = classifyContainerdLine(parseContainerdLine(message));
  return event.kind === 'other' ? NOTHING : { kind: 'containerd', event };
}

function isVerdictLike(message: string): boolean {
  return message.startsWith(VERDICT_LINE_START);
}
