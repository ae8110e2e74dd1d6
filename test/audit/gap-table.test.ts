// The gaps of the log that a ledger remembers.
import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { openDatabase } from '../../agent/audit/database.ts';
import { type Gap, GapTable, MAX_GAPS } from '../../agent/audit/gap-table.ts';

const open = (): DatabaseSync => openDatabase(':memory:');
const gap = (fromMs: number, toMs: number): Gap => ({ fromMs, toMs });

describe('the gaps of a ledger', () => {
  it('are those that were told, each once, the earliest first', () => {
    const table = new GapTable(open());
    for (const one of [gap(20, 30), gap(1, 5), gap(20, 30)]) table.add(one);
    expect(table.all()).toEqual([gap(1, 5), gap(20, 30)]);
  });

  it('are whole milliseconds, and no shorter for it', () => {
    const table = new GapTable(open());
    table.add(gap(1.7, 5.2));
    expect(table.all()).toEqual([gap(1, 6)]);
  });

  it('have their ends in order where the clock was set back in between', () => {
    const table = new GapTable(open());
    table.add(gap(9, 3));
    expect(table.all()).toEqual([gap(3, 9)]);
  });

  it('become fewer and longer, never less, when there are too many', () => {
    const table = new GapTable(open());
    for (let n = 0; n < MAX_GAPS + 5; n += 1) table.add(gap(10 * n, 10 * n + 1));
    const all = table.all();
    expect(all).toHaveLength(MAX_GAPS);
    expect(all[0]).toEqual(gap(0, 51));
    expect(all.at(-1)).toEqual(gap(10 * (MAX_GAPS + 4), 10 * (MAX_GAPS + 4) + 1));
  });
});
