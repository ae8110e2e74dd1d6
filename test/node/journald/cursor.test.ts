// When two cursors name the same entry.
import { describe, expect, it } from 'vitest';
import { isSameEntry } from '../../../agent/node/journald/cursor.ts';
import { cursorOf } from '../../support/journal.ts';

describe('isSameEntry', () => {
  it('is true for the same entry in another journal file', () => {
    const flushed = cursorOf(7).replace(/^s=a+;i=7/, `s=${'c'.repeat(32)};i=1`);
    expect(isSameEntry(cursorOf(7), flushed)).toBe(true);
  });

  it.each([
    ['another entry', cursorOf(8)],
    ['another boot', cursorOf(7).replace(/b=b+/, `b=${'d'.repeat(32)}`)],
    ['a text that is no cursor', 'garbage'],
  ])('is false for %s', (_, other) => {
    expect(isSameEntry(cursorOf(7), other)).toBe(false);
  });

  it('is false for two texts that are no cursors', () => {
    expect(isSameEntry('one', 'two')).toBe(false);
  });
});
