// What was measured, as it is written to a file: hack/benchmarks/recorded.json is the one that README's numbers are from.
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import type { Machine } from './machine.ts';
import { isMet, type Measurement, median } from './measurement.ts';

/** Of which README's numbers and plots are made. */
export const RECORDED = fileURLToPath(new URL('recorded.json', import.meta.url));

/** One benchmark, as it ended. */
export interface Recorded {
  readonly name: string;
  readonly about: string;
  /** When it ended, in UTC. */
  readonly time: string;
  readonly measurements: readonly (Measurement & {
    readonly median: number;
    readonly met?: boolean;
  })[];
}

/** All of them, on one machine. */
export interface BenchRecord {
  readonly machine: Machine;
  readonly benchmarks: readonly Recorded[];
}

/** Far more than noise leaves of a number. */
const DIGITS = 4;
/** Of thousands of values every so-many-th of the sorted ones tells as much. */
const MAX_VALUES = 100;

/** What a benchmark found, ready to be written. */
export function toRecorded(
  name: string,
  about: string,
  measurements: readonly Measurement[],
  now: Date,
): Recorded {
  const rounded = measurements.map((measurement) => {
    const met = isMet(measurement);
    const { values, curve } = measurement;
    return {
      ...measurement,
      values: few(values).map(round),
      ...(curve && { curve: { x: curve.x.map(round), y: curve.y.map(round) } }),
      median: round(median(values)),
      ...(met !== undefined && { met }),
    };
  });
  return { name, about, time: now.toISOString(), measurements: rounded };
}

/**
 * What of a record stays when benchmarks are run anew: all, until they end; but nothing of another
 * machine or of other programs, whose numbers do not compare. Throws when that would leave gaps.
 */
export function keep(
  before: BenchRecord | null,
  machine: Machine,
  anew: readonly string[],
): readonly Recorded[] {
  if (before === null) return [];
  if (isSame(before.machine, machine)) return before.benchmarks;
  const missing = before.benchmarks.map(({ name }) => name).filter((name) => !anew.includes(name));
  if (missing.length === 0) return [];
  throw new Error(
    `recorded on another machine or with other programs, measure also: ${missing.join(', ')}`,
  );
}

/** Reads a record. */
export function readRecord(file: string): BenchRecord {
  return JSON.parse(readFileSync(file, 'utf8')) as BenchRecord;
}

/** Writes a record, formatted as every file here. */
export async function writeRecord(file: string, record: BenchRecord): Promise<void> {
  await writeFile(file, await format(JSON.stringify(record), { parser: 'json', printWidth: 100 }));
}

/** The record of a file; null where there is none. */
export function readRecordIfAny(file: string): BenchRecord | null {
  return existsSync(file) ? readRecord(file) : null;
}

function few(values: readonly number[]): readonly number[] {
  if (values.length <= MAX_VALUES) return values;
  const sorted = [...values].sort((a, b) => a - b);
  const last = sorted.length - 1;
  return Array.from(
    { length: MAX_VALUES },
    (_, n) => sorted[Math.round((n * last) / (MAX_VALUES - 1))] ?? NaN,
  );
}

function round(value: number): number {
  return Number(value.toPrecision(DIGITS));
}

function isSame(a: Machine, b: Machine): boolean {
  const text = ({ versions, ...rest }: Machine) =>
    JSON.stringify([Object.entries(versions).sort(), Object.entries(rest).sort()]);
  return text(a) === text(b);
}
