import { describe, expect, it } from 'vitest';
import type { Machine } from '../../hack/benchmarks/machine.ts';
import { keep, toRecorded } from '../../hack/benchmarks/record.ts';

const MACHINE: Machine = {
  ...{ cpu: 'one', cores: 2, memoryGib: 8, kernel: '6.1' },
  versions: { node: '24.1.0', bun: '1.4.0' },
};
const NOW = new Date('2026-08-22T10:00:00Z');
const recordOf = (...names: string[]) => ({
  machine: MACHINE,
  benchmarks: names.map((name) => toRecorded(name, 'about', [], NOW)),
});

describe('a record of benchmarks', () => {
  it('has the median of what was measured, rounded, and whether that is as promised', () => {
    const target = { bound: 'at most', value: 0.5 } as const;
    const values = [0.61234567, 0.4, 0.5];
    const { measurements } = toRecorded(
      'one',
      '',
      [{ what: 'it', unit: 'x', values, target }],
      NOW,
    );
    expect(measurements).toEqual([
      { what: 'it', unit: 'x', values: [0.6123, 0.4, 0.5], target, median: 0.5, met: true },
    ]);
  });

  it('has a hundred of thousands of values, the least and the most among them', () => {
    const values = Array.from({ length: 6000 }, (_, n) => 6000 - n);
    const [found] = toRecorded('one', '', [{ what: 'it', unit: 'ms', values }], NOW).measurements;
    expect(found?.values).toHaveLength(100);
    expect(found?.values.at(0)).toBe(1);
    expect(found?.values.at(-1)).toBe(6000);
    expect(found?.median).toBe(3001);
  });

  it('stays, but for what is measured anew on the same machine', () => {
    const before = recordOf('one', 'other');
    const versions = { bun: '1.4.0', node: '24.1.0' };
    expect(keep(before, { ...MACHINE, versions }, ['one'])).toEqual(before.benchmarks);
    expect(keep(null, MACHINE, ['one'])).toEqual([]);
  });

  it('is not mixed with that of another machine or of other programs', () => {
    const before = recordOf('one', 'other');
    for (const other of [
      { ...MACHINE, cores: 4 },
      { ...MACHINE, versions: { ...MACHINE.versions, node: '24.2.0' } },
    ]) {
      expect(keep(before, other, ['one', 'other'])).toEqual([]);
      expect(() => keep(before, other, ['one'])).toThrow('other');
    }
  });
});
