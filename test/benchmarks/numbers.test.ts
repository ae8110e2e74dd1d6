// README's numbers and plots are those of the record, and of nothing else.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findMeasurement, machineSentence, numbersTable } from '../../hack/benchmarks/numbers.ts';
import { plots, PLOTS } from '../../hack/benchmarks/plots.ts';
import { type BenchRecord, readRecord, RECORDED } from '../../hack/benchmarks/record.ts';

const record = readRecord(RECORDED);
const JOURNAL = ['journal', 'ratio of time'] as const;

/** The record, but with other values of reading the journal. */
function withJournal(values: readonly number[]): BenchRecord {
  const changed = structuredClone(record);
  return Object.assign(changed, {
    benchmarks: changed.benchmarks.map((bench) => ({
      ...bench,
      measurements: bench.measurements.map((one) =>
        bench.name === JOURNAL[0] && one.what === JOURNAL[1] ? { ...one, values } : one,
      ),
    })),
  });
}

function journalRow(of: BenchRecord): readonly string[] {
  const row = numbersTable(of).find(([what]) => what?.includes('journalctl') === true);
  return row?.slice(3) ?? [];
}

describe('the numbers of README', () => {
  it('have median, spread and what was promised', () => {
    expect(journalRow(withJournal([1.3, 1.1, 1, 1.1, 1.2]))).toEqual([
      '1.1x',
      '1x to 1.3x',
      '1.15x',
    ]);
  });

  it('have what is not reached in italics', () => {
    expect(journalRow(withJournal([1.2]))).toEqual(['1.2x', '', '_1.15x_']);
  });

  it('are all recorded', () => {
    expect(() => findMeasurement(record, ...JOURNAL)).not.toThrow();
    const without = record.benchmarks.filter(({ name }) => name !== JOURNAL[0]);
    expect(() => numbersTable({ ...record, benchmarks: without })).toThrow('not recorded: journal');
  });

  it('tell of the machine, and not whose it is', () => {
    expect(machineSentence(record)).toMatch(/^Measured on \d{4}-\d\d-\d\d with \d+ cores \(.+\.$/);
    expect(JSON.stringify(record)).not.toMatch(/\/(?:home|work|var|tmp)\//);
  });
});

describe('the plots of README', () => {
  const drawn = plots(record);

  it('are all there, and no others', () => {
    expect(readdirSync(PLOTS).sort()).toEqual([...drawn.keys()].sort());
  });

  it.each([...drawn])('are what `npm run readme` draws from the record: %s', (name, svg) => {
    expect(readFileSync(join(PLOTS, name), 'utf8') === svg).toBe(true);
  });

  it('are drawn the same again', () => {
    expect(plots(record)).toEqual(drawn);
  });
});
