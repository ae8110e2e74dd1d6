// One run of journalctl as entries: parsed, put in their place, and watched for a standstill.
import { AgentError } from '../../errors.ts';
import { type Arrival, Arrivals } from './arrival.ts';
import { ENTRY_FIELDS, type JournalEntry } from './entry.ts';
import { type ExportEntry, ExportParser } from './export-format.ts';
import type { JournalReader } from './journal-reader.ts';
import { readNewest } from './journalctl-answers.ts';
import { followArguments, type JournalStart, runJournalctl } from './journalctl.ts';
import type { Progress } from './progress.ts';
import type { FollowIncident } from './source.ts';
import type { Stalls } from './stall.ts';

/** What one run needs, and the state that outlives it. */
export interface JournalRun {
  readonly reader: JournalReader;
  /** All that can be asked for the newest entry: the one that reads may be blind. */
  readonly readers: readonly JournalReader[];
  readonly unit: string;
  /** Beside those that every entry has. */
  readonly moreFields: readonly string[];
  readonly start: JournalStart;
  readonly progress: Progress;
  readonly stalls: Stalls;
  /** How many runs before brought nothing. */
  readonly fruitless: number;
  readonly signal: AbortSignal;
  readonly onIncident: (incident: FollowIncident) => void;
}

/**
 * Yields what each read brought, also when none of it is for the caller. Returns when the journal is
 * to be read again from `progress.position`. Throws `journal_unavailable` when journalctl ended, or
 * shows nothing although there is something.
 */
export async function* readJournal(run: JournalRun): AsyncGenerator<readonly JournalEntry[], void> {
  const { reader, progress, stalls, signal, onIncident } = run;
  const onInvalid = (error: AgentError): void => onIncident({ kind: 'entry_invalid', error });
  const parser = new ExportParser([...ENTRY_FIELDS, ...run.moreFields], onInvalid);
  const arrivals = new Arrivals(run.unit);
  progress.start();
  stalls.start();
  const chunks = runJournalctl(reader, followArguments(reader, run.start, run.moreFields), {
    signal,
    silenceMs: () => stalls.silenceMs,
    onComplaint: (text) => {
      onIncident({ kind: 'complaint', text: `${reader.name}: ${text}` });
    },
  });
  for await (const chunk of chunks) {
    if (chunk.length === 0) {
      if (await hasReadAll(run)) yield* nonEmpty(progress.flush());
      continue;
    }
    stalls.arrived();
    const { entries, isDoubtful } = progress.take(
      toArrivals(parser.feed(chunk), arrivals, onInvalid),
    );
    yield entries;
    if (isDoubtful) return;
  }
}

// A journalctl that shows nothing may wait for something to happen, or for ever.
async function hasReadAll(run: JournalRun): Promise<boolean> {
  const { reader, readers, progress, stalls, fruitless, signal, onIncident } = run;
  const newest = await readNewest(readers, signal);
  if (signal.aborted) return false;
  const { start } = run;
  // On a first look, what is older than where it begins is not for us.
  const isTooOld = newest !== null && 'sinceUs' in start && newest.realtimeUs < start.sinceUs;
  const read = progress.newest ?? progress.position;
  switch (stalls.judge(isTooOld ? null : newest, read, fruitless)) {
    case 'read_all':
      onIncident({ kind: 'caught_up' });
      return true;
    case 'behind':
      return false;
    case 'stalled':
      if (newest !== null) onIncident({ kind: 'waiting', newest });
      throw new AgentError(
        'journal_unavailable',
        `${reader.name}: expected it to show the newest entry, ${newest?.cursor ?? ''}, found it silent`,
      );
  }
}

function* nonEmpty(entries: readonly JournalEntry[]): Generator<readonly JournalEntry[], void> {
  if (entries.length > 0) yield entries;
}

function toArrivals(
  exported: readonly ExportEntry[],
  arrivals: Arrivals,
  onInvalid: (error: AgentError) => void,
): Arrival[] {
  const read: Arrival[] = [];
  for (const entry of exported) {
    try {
      read.push(arrivals.read(entry));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      onInvalid(error);
    }
  }
  return read;
}
