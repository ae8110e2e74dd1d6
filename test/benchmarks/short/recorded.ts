// Whether a ratio is still about what was recorded.
import { expect } from 'vitest';
import { median } from '../../../hack/benchmarks/measurement.ts';
import { findMeasurement } from '../../../hack/benchmarks/numbers.ts';
import { readRecord, RECORDED } from '../../../hack/benchmarks/record.ts';

const RECORD = readRecord(RECORDED);
/** So that noise is no failure, and what makes something twice as slow is one. */
const GROSS = 2;

/** Fails when the median of what was measured now is more than twice that of the record. */
export function expectAsRecorded(bench: string, what: string, measured: readonly number[]): void {
  const recorded = median(findMeasurement(RECORD, bench, what).values);
  expect(
    median(measured),
    `${bench}, ${what}: recorded ${recorded}, a regression from ${GROSS * recorded} on`,
  ).toBeLessThan(GROSS * recorded);
}
