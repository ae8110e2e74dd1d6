// When two cursors name the same entry, and how many are between two.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  entriesBetween,
  isSameEntry,
  sequenceNumberOf,
} from '../../../agent/node/journald/cursor.ts';
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

describe('sequenceNumberOf', () => {
  it('is what journald counts its entries by', () => {
    expect(sequenceNumberOf(cursorOf(255))).toEqual({ id: 'a'.repeat(32), number: 255 });
  });

  it.each([
    ['another order', `i=1;s=${'a'.repeat(32)};`],
    ['no id', 's=;i=1;b=1'],
    ['no number', `s=${'a'.repeat(32)};i=;b=1`],
    ['a number that is too large to count with', `s=${'a'.repeat(32)};i=ffffffffffffff;b=1`],
    ['nothing', ''],
  ])('is not known of a cursor with %s', (_, cursor) => {
    expect(sequenceNumberOf(cursor)).toBeUndefined();
  });
});

describe('entriesBetween', () => {
  it.each([
    [7, 8, 0],
    [7, 10, 2],
    [7, 7, null],
    [8, 7, null],
  ])('counts those between %i and %i', (from, to, count) => {
    expect(entriesBetween(cursorOf(from), cursorOf(to))).toBe(count);
  });

  it('does not know when journald began to count anew', () => {
    const other = cursorOf(9).replace(/^s=a+/, `s=${'c'.repeat(32)}`);
    expect(entriesBetween(cursorOf(7), other)).toBeNull();
  });

  it('takes any text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (from, to) => {
        expect(entriesBetween(from, to)).toBeNull();
        expect(typeof isSameEntry(from, to)).toBe('boolean');
      }),
    );
  });
});
