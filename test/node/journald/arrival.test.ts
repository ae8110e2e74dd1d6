// What is missing before an entry, by the numbers that journald gave.
import { describe, expect, it } from 'vitest';
import { Arrivals } from '../../../agent/node/journald/arrival.ts';
import { ENTRY_FIELDS } from '../../../agent/node/journald/entry.ts';
import { ExportParser } from '../../../agent/node/journald/export-format.ts';
import { containerdFields, cursorOf, exportEntry } from '../../support/journal.ts';

/** The bound on numberings. */
const MAX_NUMBERINGS = 64;

/** Reads entries of a stream by their numbering, if they have one, and number; gives what is missing before each. */
function open() {
  const arrivals = new Arrivals('containerd.service');
  return (numbering: number | null, n: number): number => {
    const id = numbering?.toString(16).padStart(32, '0');
    const cursor = cursorOf(n).replace(/^s=\w+/, id === undefined ? '' : `s=${id}`);
    const bytes = exportEntry({ ...containerdFields(n, 'm'), __CURSOR: cursor });
    const [exported] = new ExportParser(ENTRY_FIELDS).feed(bytes);
    if (exported === undefined) throw new TypeError('no entry');
    return arrivals.read(exported).missing;
  };
}

describe('what is missing before an entry', () => {
  it('is told by its own numbering, whatever is between', () => {
    const missing = open();
    expect([missing(1, 1), missing(1, 2), missing(1, 5)]).toEqual([0, 0, 2]);
    expect([missing(2, 900), missing(1, 7), missing(2, 901)]).toEqual([0, 1, 0]);
  });

  it('is not known where an entry has no number, and told again where it has', () => {
    const missing = open();
    expect([missing(null, 1), missing(1, 2), missing(null, 9)]).toEqual([0, 0, 0]);
    expect([missing(null, 20), missing(1, 4)]).toEqual([0, 1]);
  });

  it('is nothing where the entry is late, and then as much as before', () => {
    const missing = open();
    expect([missing(1, 5), missing(1, 3), missing(1, 5), missing(1, 7)]).toEqual([0, 0, 0, 1]);
  });

  it('is told in as many numberings as are kept, and all of them are forgotten for one more', () => {
    const missing = open();
    for (let id = 0; id < MAX_NUMBERINGS; id += 1) expect(missing(id, 1)).toBe(0);
    // One that is known takes no place.
    expect([missing(0, 3), missing(MAX_NUMBERINGS - 1, 3)]).toEqual([1, 1]);
    expect(missing(MAX_NUMBERINGS, 1)).toBe(0);
    expect([missing(0, 9), missing(MAX_NUMBERINGS, 3)]).toEqual([0, 1]);
  });
});
