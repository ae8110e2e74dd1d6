// One journal entry as typed values: the fields we read and what each may be trusted for.
import { AgentError } from '../../errors.ts';
import type { ExportFields } from './export-fields.ts';
import type { ExportEntry } from './export-format.ts';

/**
 * Names that start with an underscore are set by journald itself and cannot be written by a client;
 * everything else is whatever the writer said.
 */
export interface JournalEntry {
  /** Where this entry stands, opaque to all but its source. */
  readonly cursor: string;
  /** Microseconds since 1970 as journald received it. Not monotonic: clocks are set back. */
  readonly realtimeUs: number;
  /** `_SYSTEMD_UNIT`: the unit whose cgroup the writer was in. */
  readonly unit: string | undefined;
  /** `_UID`: the user of the writer. */
  readonly uid: number | undefined;
  /** `_EXE`: the program of the writer; absent when it was gone before journald looked. */
  readonly exe: string | undefined;
  /** `_PID`. */
  readonly pid: number | undefined;
  /** `_TRANSPORT`: stdout, syslog, journal, kernel, … */
  readonly transport: string | undefined;
  /** `MESSAGE`, invalid UTF-8 replaced; '' when absent. */
  readonly message: string;
  /**
   * Not all of what was written is here: a field was longer than what is kept, or the line was broken
   * and cannot be joined. The message may end, and begin, where an attacker chose: it must not be read.
   */
  readonly truncated: boolean;
  /** Fields that were asked for beside these, by name, invalid UTF-8 replaced. Default: none were. */
  readonly more?: ReadonlyMap<string, string>;
}

/** What a `LogPosition` has of an entry. */
type EntryPosition = Pick<JournalEntry, 'cursor' | 'realtimeUs'>;

/** What `ExportParser` must keep for `toJournalEntry`. Each costs journalctl a fiftieth of its time. */
export const ENTRY_FIELDS = [
  '__CURSOR',
  '__REALTIME_TIMESTAMP',
  '_SYSTEMD_UNIT',
  '_UID',
  '_EXE',
  '_PID',
  '_TRANSPORT',
  '_STREAM_ID',
  '_LINE_BREAK',
  'MESSAGE',
] as const;

/** systemd's cursors are about 170 characters; the cursor becomes an argument and a ledger row. */
const MAX_CURSOR_LENGTH = 1024;

/**
 * Reads the fields of one entry. Throws `journal_entry_invalid` when it has no usable cursor or
 * time; any other field may be absent.
 */
export function toJournalEntry(exported: ExportEntry): JournalEntry {
  return toEntryAt(positionOf(exported), exported);
}

/** The same of an entry whose position is known, or is another than its own. Never throws. */
export function toEntryAt(
  { cursor, realtimeUs }: EntryPosition,
  { fields, truncated }: ExportEntry,
  moreFields: readonly string[] = [],
): JournalEntry {
  const entry = {
    cursor,
    realtimeUs,
    unit: fields.text('_SYSTEMD_UNIT'),
    uid: fields.whole('_UID'),
    exe: fields.text('_EXE'),
    pid: fields.whole('_PID'),
    transport: fields.text('_TRANSPORT'),
    message: fields.text('MESSAGE') ?? '',
    truncated,
  };
  return moreFields.length === 0 ? entry : { ...entry, more: textsOf(fields, moreFields) };
}

function textsOf(fields: ExportFields, names: readonly string[]): ReadonlyMap<string, string> {
  const found = names.map((name) => [name, fields.text(name)] as const);
  return new Map(found.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])));
}

/** Reads where an entry stands. Throws `journal_entry_invalid` as `toJournalEntry` does. */
export function positionOf({ fields }: ExportEntry): EntryPosition {
  const cursor = fields.latin1('__CURSOR') ?? '';
  if (cursor === '' || cursor.length > MAX_CURSOR_LENGTH) {
    throw invalid('__CURSOR', `1 to ${MAX_CURSOR_LENGTH} characters`, cursor);
  }
  const realtimeUs = fields.whole('__REALTIME_TIMESTAMP');
  if (realtimeUs === undefined) {
    const found = fields.latin1('__REALTIME_TIMESTAMP');
    throw invalid('__REALTIME_TIMESTAMP', 'whole microseconds', found ?? '');
  }
  return { cursor, realtimeUs };
}

function invalid(field: string, expected: string, found: string): AgentError {
  const shown = JSON.stringify(found.slice(0, 80));
  return new AgentError(
    'journal_entry_invalid',
    `journal entry: ${field}: expected ${expected}, found ${shown}`,
  );
}
