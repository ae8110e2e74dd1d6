// The metrics of reading containerd's log: how much, how far behind, and what was not to be had.
import type { Registry } from 'prom-client';
import { declarers } from './declarers.ts';
import type { LogSourceName } from './labels.ts';
import type { MetricSources } from './sources.ts';

/** Told by who reads one source of the log. */
export interface LogMetrics {
  countEntries(count: number): void;
  /** An entry or line that could not be parsed. */
  countInvalid(): void;
  /** The reader was started again. */
  countRestart(): void;
  /** Entries are no longer there; of any writer, at most so many. Null when nobody can tell how many. */
  countGap(entries: number | null): void;
  /** journald refused entries of containerd. */
  countSuppressed(entries: number): void;
  /** The host's own journalctl cannot be used. */
  countFallback(): void;
  /** The reader said something while it went on. */
  countComplaint(): void;
  /** Whether the journalctl that reads is older than the journal. */
  setOutdated(isOutdated: boolean): void;
}

/** Declares them. `read` reads how far behind each source is; one that is not followed has no samples. */
export function declareJournal(
  registry: Registry,
  { logLags }: Pick<MetricSources, 'logLags'>,
  onError: (error: unknown) => void,
): { readonly logOf: (source: LogSourceName) => LogMetrics; readonly read: () => void } {
  const { gauge } = declarers(registry);
  const lag = gauge(
    'journal_lag_seconds',
    'How long the entry that is to be read next has been waiting, or the last one had when it was handled.',
    'source',
  );
  const logOf = declareLog(registry);
  // Without a sample before the first, the first increase would not be seen.
  logOf('journald');
  return {
    logOf,
    read: () => {
      lag.reset();
      try {
        for (const { source, seconds } of logLags()) {
          if (seconds !== null) lag.set({ source }, seconds);
        }
      } catch (error) {
        onError(error);
      }
    },
  };
}

function declareLog(registry: Registry): (source: LogSourceName) => LogMetrics {
  const { counter, gauge } = declarers(registry);
  const count = (name: string, help: string) => counter(`journal_${name}`, help, 'source');
  const entries = count('entries_total', 'Journal entries handled.');
  const invalid = count('invalid_total', 'Journal entries and lines not understood.');
  const restarts = count(
    'restarts_total',
    'Times that reading was started again: journalctl ended, or there was no log file to be trusted.',
  );
  const gaps = count('gaps_total', 'Times that entries were no longer there to be read.');
  const lost = count(
    'gap_entries_total',
    'Entries of any writer in those gaps, where it is known.',
  );
  const suppressed = count(
    'suppressed_entries_total',
    'Entries of containerd that journald refused, because there were too many.',
  );
  const fallbacks = count('fallbacks_total', 'Times that the host’s own journalctl failed us.');
  const complaints = count('complaints_total', 'Lines that journalctl wrote to its stderr.');
  const outdated = gauge(
    'journal_reader_outdated',
    '1 while the journalctl that reads is older than the host’s systemd.',
    'source',
  );
  return (source) => {
    const labels = { source };
    const all = [entries, invalid, restarts, gaps, lost, suppressed, fallbacks, complaints];
    for (const one of all) one.inc(labels, 0);
    outdated.set(labels, 0);
    return {
      countEntries: (more) => entries.inc(labels, more),
      countInvalid: () => invalid.inc(labels),
      countRestart: () => restarts.inc(labels),
      countGap: (missing) => {
        gaps.inc(labels);
        lost.inc(labels, missing ?? 0);
      },
      countSuppressed: (more) => suppressed.inc(labels, more),
      countFallback: () => fallbacks.inc(labels),
      countComplaint: () => complaints.inc(labels),
      setOutdated: (isOutdated) => outdated.set(labels, Number(isOutdated)),
    };
  };
}
