// A journal entry as @sematext/logagent has it: the record and the context of its own journald input.
import type { JournalEntry } from './entry.ts';

/** What its filters read, and people look for, beside what every entry has. */
export const LOGAGENT_FIELDS = [
  '_BOOT_ID',
  'SYSLOG_IDENTIFIER',
  'PRIORITY',
  'SYSLOG_FACILITY',
  'SYSLOG_PID',
  '_HOSTNAME',
  '_MACHINE_ID',
  '_COMM',
  '_CMDLINE',
  '_GID',
  '_SYSTEMD_CGROUP',
  '_SYSTEMD_SLICE',
  '_SYSTEMD_INVOCATION_ID',
  '_SOURCE_REALTIME_TIMESTAMP',
  '__MONOTONIC_TIMESTAMP',
] as const;

/** Keys in lower case. */
export type LogagentRecord = Record<string, unknown>;

/** What Logagent's filters and outputs are told of a record. */
export interface LogagentContext {
  readonly sourceName: string;
  readonly name: 'journald';
  /** The index or token that outputs write to. */
  readonly index: string | null;
}

/** What is done to every record. */
export interface RecordOptions {
  /** Keys to leave out, in lower case. */
  readonly removeFields: ReadonlySet<string>;
  /** Added where the record has no such key. */
  readonly tags: Readonly<Record<string, unknown>>;
}

/** Texts also where they look like a number: a field that changes its type breaks an index. */
const TEXTS = new Set(['message', 'syslog_identifier', '__cursor', '_boot_id', '_machine_id']);

// Without loss, so that the number says what the text said.
const WHOLE_NUMBER = /^(?:0|-?[1-9]\d{0,15})$/;

/**
 * The record of an entry: journald's names in lower case and numbers as numbers, as Logagent's own
 * input has them; other than it, whole where a value is binary or of several lines. `@timestamp` is
 * when journald received it, so that outputs do not take the time of their writing.
 */
export function logagentRecord(entry: JournalEntry, options: RecordOptions): LogagentRecord {
  const { cursor, realtimeUs, unit, uid, exe, pid, transport } = entry;
  const fields: readonly (readonly [string, string | number | undefined])[] = [
    ['__cursor', cursor],
    ['__realtime_timestamp', realtimeUs],
    ['_systemd_unit', unit],
    ['_uid', uid],
    ['_exe', exe],
    ['_pid', pid],
    ['_transport', transport],
    ['message', entry.message],
    ...[...(entry.more ?? [])].map(([name, text]) => [name.toLowerCase(), text] as const),
  ];
  const record: LogagentRecord = { '@timestamp': new Date(realtimeUs / 1000) };
  for (const [key, value] of fields) {
    if (value !== undefined && !options.removeFields.has(key)) record[key] = coerced(key, value);
  }
  for (const [key, value] of Object.entries(options.tags)) record[key] ??= value;
  return record;
}

/** The context of an entry's record. */
export function logagentContext(entry: JournalEntry, index: string | null): LogagentContext {
  const identifier = entry.more?.get('SYSLOG_IDENTIFIER');
  return { sourceName: entry.unit ?? identifier ?? 'journald', name: 'journald', index };
}

function coerced(key: string, value: string | number): string | number {
  if (typeof value === 'number' || TEXTS.has(key) || !WHOLE_NUMBER.test(value)) return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
