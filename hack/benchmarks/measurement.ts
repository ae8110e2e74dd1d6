// What a benchmark reports, and the statistics of it.

/** What the project promises of a median. */
export interface Target {
  readonly bound: 'at most' | 'at least';
  readonly value: number;
}

/** Points to draw, in order of `x`. */
export interface Curve {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** One thing that was measured, as often as it was. */
export interface Measurement {
  /** No other of its benchmark is called so. */
  readonly what: string;
  readonly unit: 'ms' | 'MB' | 'KB' | 'entries/s' | '1/s' | 'x' | 'requests' | 'exponent';
  /** One value for each run, in order; at least one. */
  readonly values: readonly number[];
  readonly target?: Target;
  /** How it came to that, for a plot. */
  readonly curve?: Curve;
}

/** A benchmark: what it is about, and how to run it. */
export interface Benchmark {
  readonly about: string;
  readonly run: () => Promise<readonly Measurement[]>;
}

/** The middle value: of an even number of values the upper one of two. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The smallest value that is not below `share` of all values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)];
  if (value === undefined) throw new TypeError('expected at least one value, found none');
  return value;
}

/** Whether the median is as promised; undefined where nothing is. */
export function isMet({ values, target }: Measurement): boolean | undefined {
  if (target === undefined) return undefined;
  const found = median(values);
  return target.bound === 'at most' ? found <= target.value : found >= target.value;
}

/** Ours against theirs, run by run: both took their turns on a machine that has its moods. */
export function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  if (ours.length !== theirs.length) throw new TypeError('expected as many runs of either');
  return ours.map((value, run) => value / (theirs[run] ?? NaN));
}
