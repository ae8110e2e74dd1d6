// Entries that come twice.
import { describe, expect, it } from 'vitest';
import { RecentEntries } from '../../../agent/node/journald/recent.ts';
import { cursorOf, realtimeUs } from '../../support/journal.ts';

const entry = (n: number) => ({ cursor: cursorOf(n), realtimeUs: realtimeUs(n) });

describe('RecentEntries', () => {
  it('knows an entry that comes again, also from another file', () => {
    const recent = new RecentEntries();
    expect([1, 2, 3].map((n) => recent.isNew(entry(n)))).toEqual([true, true, true]);
    const copy = entry(2);
    expect(recent.isNew(copy)).toBe(false);
    const cursor = copy.cursor.replace(/^s=a+;i=\w+/, `s=${'c'.repeat(32)};i=99`);
    expect(recent.isNew({ ...copy, cursor })).toBe(false);
    expect(recent.isNew(entry(4))).toBe(true);
  });

  it('takes one that is late, or of a clock that was set back, for new', () => {
    const recent = new RecentEntries();
    recent.isNew(entry(1_000_000));
    expect(recent.isNew(entry(5))).toBe(true);
    expect(recent.isNew(entry(5))).toBe(false);
    const twin = { ...entry(5), cursor: cursorOf(6) };
    expect(recent.isNew(twin)).toBe(true);
  });
});
