// journald's notice that it refused lines of a unit, and what only looks like one.
import { describe, expect, it } from 'vitest';
import { ENTRY_FIELDS } from '../../../agent/node/journald/entry.ts';
import { ExportParser } from '../../../agent/node/journald/export-format.ts';
import { suppressedEntries } from '../../../agent/node/journald/suppressed.ts';
import { containerdFields, exportEntry } from '../../support/journal.ts';

function count(message: string, transport = 'driver'): number {
  const fields = {
    ...containerdFields(1, message),
    _SYSTEMD_UNIT: 'systemd-journald.service',
    _TRANSPORT: transport,
  };
  const [exported] = new ExportParser(ENTRY_FIELDS).feed(exportEntry(fields));
  return exported === undefined
    ? -1
    : suppressedEntries(exported, Buffer.from('containerd.service'));
}

describe('suppressedEntries', () => {
  it.each([
    ['Suppressed 213 messages from containerd.service', 213],
    ['Suppressed 1 messages from /system.slice/containerd.service', 1],
    ['Suppressed 213 messages from ssh.service', 0],
    ['Suppressed 213 messages from /system.slice/not-containerd.service', 0],
    ['Suppressed 213 messages from containerd.service!', 0],
    ['Suppressed many messages from containerd.service', 0],
    ['Runtime Journal (/run/log/journal/) is 8.0M', 0],
  ])('%s', (message, expected) => {
    expect(count(message)).toBe(expected);
  });

  it('believes only what journald itself says', () => {
    expect(count('Suppressed 213 messages from containerd.service', 'syslog')).toBe(0);
  });
});
