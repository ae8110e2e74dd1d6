// The record as a file on the host, and how what it tells of stands there now.
import { contentOfBytes } from '../content.ts';
import {
  layoutOf,
  readHostText,
  removeDirectories,
  removeHostText,
  type TextAccess,
  writeHostText,
} from './host-text.ts';
import {
  type ConfigRecord,
  encodeRecord,
  MAX_RECORD_BYTES,
  parseRecord,
  recordPathOf,
} from './record.ts';

/** Where a file of ours stands. */
export type RecordState =
  | { readonly kind: 'none' }
  /** There is a record, but nothing of ours: others took it away, or a run was killed before it changed the file. */
  | { readonly kind: 'gone'; readonly record: ConfigRecord }
  /** As we left it. */
  | { readonly kind: 'ours'; readonly record: ConfigRecord; readonly text: string }
  /** Others have changed it since. */
  | { readonly kind: 'changed'; readonly record: ConfigRecord; readonly text: string };

/** Compares the record with what is there. Throws `host_write_failed`, also for a damaged record. */
export async function readRecordState(access: TextAccess): Promise<RecordState> {
  const path = recordPathOf(layoutOf(access));
  const encoded = await readHostText(access, path, MAX_RECORD_BYTES);
  if (encoded === null) return { kind: 'none' };
  const record = parseRecord(Buffer.from(encoded));
  const text = await readHostText(access, record.path);
  if (text === null || text === record.before) return { kind: 'gone', record };
  return digestOf(text) === record.afterSha256
    ? { kind: 'ours', record, text }
    : { kind: 'changed', record, text };
}

/** Writes the record. */
export function saveRecord(access: TextAccess, record: ConfigRecord): Promise<void> {
  const text = Buffer.from(encodeRecord(record)).toString();
  return writeHostText(access, recordPathOf(layoutOf(access)), text);
}

/** Forgets what was changed, with the directories that were made for it. */
export async function forgetRecord(access: TextAccess, record: ConfigRecord): Promise<void> {
  await removeHostText(access, recordPathOf(layoutOf(access)));
  await removeDirectories(access, record.directories);
}

/** SHA-256 in hexadecimal of a text as it is written. */
export function digestOf(text: string): string {
  return contentOfBytes(Buffer.from(text)).sha256;
}
