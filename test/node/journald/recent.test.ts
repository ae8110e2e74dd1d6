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

  it('knows each of several entries of one moment', () => {
    const recent = new RecentEntries();
    const together = [1, 2, 3, 4].map((n) => ({ ...entry(n), realtimeUs: realtimeUs(9) }));
    expect(together.map((one) => recent.isNew(one))).toEqual([true, true, true, true]);
    expect(together.map((one) => recent.isNew(one))).toEqual([false, false, false, false]);
  });

  it('knows cursors of any length, also where one was before in their place', () => {
    const recent = new RecentEntries();
    const long = (n: number) => ({ cursor: 'c'.repeat(1000) + String(n), realtimeUs: n });
    for (let n = 0; n < 512; n += 1) expect(recent.isNew(long(n))).toBe(true);
    expect([long(0), long(511)].map((one) => recent.isNew(one))).toEqual([false, false]);
    for (let n = 0; n < 512; n += 1) expect(recent.isNew(entry(n))).toBe(true);
    expect([entry(0), entry(511)].map((one) => recent.isNew(one))).toEqual([false, false]);
    expect(recent.isNew(long(0))).toBe(true);
  });

  it('knows those that stand beside a long cursor', () => {
    const recent = new RecentEntries();
    for (let n = 0; n < 512; n += 1) recent.isNew(entry(n));
    expect(recent.isNew({ ...entry(600), cursor: 'c'.repeat(1000) })).toBe(true);
    for (let n = 1; n < 512; n += 1) expect(recent.isNew(entry(n))).toBe(false);
    expect(recent.isNew(entry(0))).toBe(true);
  });
});
