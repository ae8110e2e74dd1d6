// Typed journal entries.
import { describe, expect, it } from 'vitest';
import { ENTRY_FIELDS, toJournalEntry } from '../../../agent/node/journald/entry.ts';
import { ExportParser, type ExportEntry } from '../../../agent/node/journald/export-format.ts';
import { expectCode } from '../../support/expect-code.ts';
import { containerdFields, cursorOf, exportEntry, realtimeUs } from '../../support/journal.ts';

function exported(fields: Record<string, string | Buffer>): ExportEntry {
  const [entry] = new ExportParser(ENTRY_FIELDS).feed(exportEntry(fields));
  if (entry === undefined) throw new TypeError('no entry');
  return entry;
}

const GOOD = containerdFields(7, 'hello');

describe('toJournalEntry', () => {
  it('reads the fields of an entry', () => {
    expect(toJournalEntry(exported(GOOD))).toEqual({
      cursor: cursorOf(7),
      realtimeUs: realtimeUs(7),
      unit: 'containerd.service',
      uid: 0,
      exe: '/usr/bin/containerd',
      pid: 4242,
      transport: 'stdout',
      message: 'hello',
      truncated: false,
    });
  });

  it('replaces what is not UTF-8 in a message', () => {
    const entry = toJournalEntry(exported({ ...GOOD, MESSAGE: Buffer.from('a\xffb', 'latin1') }));
    expect(entry.message).toBe('a\ufffdb');
  });

  it('leaves absent and unreadable optional fields undefined', () => {
    const [cursor, time] = ['__CURSOR', '__REALTIME_TIMESTAMP'].map((name) => GOOD[name] ?? '');
    const fields = { __CURSOR: cursor, __REALTIME_TIMESTAMP: time, _UID: '0x0' };
    const entry = toJournalEntry(exported(fields as Record<string, string>));
    expect([entry.exe, entry.uid]).toEqual([undefined, undefined]);
  });

  it.each([
    ['no cursor', { __CURSOR: '' }],
    ['a cursor that is too long', { __CURSOR: 'x'.repeat(1025) }],
    ['no time', { __REALTIME_TIMESTAMP: '' }],
    ['a time that is no number', { __REALTIME_TIMESTAMP: 'soon' }],
    ['a time beyond exact numbers', { __REALTIME_TIMESTAMP: '9999999999999999' }],
  ])('rejects an entry with %s', (_, broken) => {
    expectCode(() => toJournalEntry(exported({ ...GOOD, ...broken })), 'journal_entry_invalid');
  });
});
