// What one journal entry means to us: a verdict, an event of containerd, a forgery, or nothing.
import { AgentError } from '../../errors.ts';
import { classifyContainerdLine, type ContainerdEvent } from './containerd-event.ts';
import { parseContainerdLine } from './containerd-line.ts';
import type { JournalEntry } from './entry.ts';
import { type EntrySource, type JournalWriters, sourceOf } from './trusted.ts';
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
  return readAs(sourceOf(entry, writers), entry, writers);
}

/**
 * Reads one entry of a source that holds what containerd wrote, and no trusted fields. A verdict line
 * is a forgery there: our verifier writes to the journal. Never throws for what an entry holds.
 */
export function readContainerdEntry(entry: JournalEntry, writers: JournalWriters): JournalReading {
  return readAs('containerd', entry, writers);
}

function readAs(source: EntrySource, entry: JournalEntry, writers: JournalWriters): JournalReading {
  try {
    // What an attacker wrote may now stand where a line begins.
    if (entry.truncated) throw notWhole(entry.message);
    switch (source) {
      case 'verifier':
        return { kind: 'verdict', verdict: parseVerdictLine(entry.message) };
      case 'containerd':
      case 'distribution':
        return readContainerdLine(entry.message, writers);
      case 'other':
        return isVerdictLike(entry.message) ? { kind: 'untrusted_verdict' } : NOTHING;
    }
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    // Most lines of a distribution are its own, in whatever format; others are nobody's business.
    const isOurs = source === 'verifier' || source === 'containerd';
    return isOurs ? { kind: 'unreadable', error } : NOTHING;
  }
}

function notWhole(message: string): AgentError {
  const found = JSON.stringify(message.slice(0, 80));
  return new AgentError('journal_line_invalid', `log line: expected all of it, found ${found}…`);
}

function readContainerdLine(
  message: string,
  { verifierTimeoutMs }: JournalWriters,
): JournalReading {
  // Through containerd's stderr a shim can print anything, also a copy of our own line.
  if (isVerdictLike(message)) return { kind: 'untrusted_verdict' };
  const event = classifyContainerdLine(parseContainerdLine(message), verifierTimeoutMs);
  return event.kind === 'other' ? NOTHING : { kind: 'containerd', event };
}

function isVerdictLike(message: string): boolean {
  return message.startsWith(VERDICT_LINE_START);
}
