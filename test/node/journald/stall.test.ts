// Silences: nothing to read, or nothing read.
import { describe, expect, it } from 'vitest';
import { Stalls } from '../../../agent/node/journald/stall.ts';
import { cursorOf, realtimeUs } from '../../support/journal.ts';

const PATIENCE = { firstMs: 2, nextMs: 20, stalledMs: 10 };
const entry = (n: number) => ({ cursor: cursorOf(n), realtimeUs: realtimeUs(n) });

/** Silences until one is not `behind`: how many, and what it is. */
function last(stalls: Stalls, newest: number, read: number, fruitless: number) {
  for (let count = 1; count < 1000; count += 1) {
    const silence = stalls.judge(entry(newest), entry(read), fruitless);
    if (silence !== 'behind') return { silence, count };
  }
  throw new Error('expected an end');
}

describe('Stalls', () => {
  it('asks soon, and seldom once all is read', () => {
    const stalls = new Stalls(PATIENCE);
    expect(stalls.silenceMs).toBe(2);
    expect(stalls.judge(entry(5), entry(5), 0)).toBe('read_all');
    expect(stalls.silenceMs).toBe(20);
    stalls.start();
    expect(stalls.silenceMs).toBe(2);
  });

  it('takes a journal without any entry, or that nobody can read, for read', () => {
    expect(new Stalls(PATIENCE).judge(null, undefined, 0)).toBe('read_all');
  });

  it('waits for an entry that is there, then calls it a standstill', () => {
    const stalls = new Stalls(PATIENCE);
    // The first silence says that it is there, five more last ten milliseconds.
    expect(last(stalls, 6, 5, 0)).toEqual({ silence: 'stalled', count: 6 });
  });

  it('begins anew when something came', () => {
    const stalls = new Stalls(PATIENCE);
    for (let n = 0; n < 5; n += 1) stalls.judge(entry(6), entry(5), 0);
    stalls.arrived();
    expect(stalls.judge(entry(7), entry(6), 0)).toBe('behind');
  });

  it('gives each run its whole time', () => {
    const stalls = new Stalls(PATIENCE);
    for (let n = 0; n < 5; n += 1) stalls.judge(entry(6), entry(5), 0);
    stalls.start();
    expect(last(stalls, 6, 5, 0)).toEqual({ silence: 'stalled', count: 6 });
  });

  it('gives what comes once all was read its whole time, and asks soon again', () => {
    const stalls = new Stalls(PATIENCE);
    for (let n = 0; n < 5; n += 1) stalls.judge(entry(6), entry(5), 0);
    expect(stalls.judge(entry(6), entry(6), 0)).toBe('read_all');
    expect(stalls.judge(entry(7), entry(6), 0)).toBe('behind');
    expect(stalls.silenceMs).toBe(2);
    // The five that are left of six last ten milliseconds.
    expect(last(stalls, 7, 6, 0)).toEqual({ silence: 'stalled', count: 5 });
  });

  it('is more patient with each run that brought nothing', () => {
    const counts = [0, 1, 2, 3, 9].map((runs) => last(new Stalls(PATIENCE), 6, 5, runs).count);
    expect(counts).toEqual([6, 11, 21, 41, 41]);
  });

  it('gives up on an entry that no run shows, until there is another', () => {
    const stalls = new Stalls(PATIENCE);
    for (let run = 0; run < 4; run += 1) {
      stalls.start();
      expect(last(stalls, 6, 5, run).silence).toBe('stalled');
    }
    stalls.start();
    expect(last(stalls, 6, 5, 4)).toEqual({ silence: 'read_all', count: 1 });
    // Which has as many runs of its own.
    for (let run = 4; run < 8; run += 1) {
      stalls.start();
      expect(last(stalls, 7, 5, run).silence).toBe('stalled');
    }
    stalls.start();
    expect(last(stalls, 7, 5, 8).silence).toBe('read_all');
  });
});
