// How often properties are tried. Loaded before every test file: quick and repeatable by default,
// long and at random when asked for.
import fc from 'fast-check';

/** `hack/fuzz` sets both. */
const LONG_RUNS = Number(process.env['PROPERTY_RUNS'] ?? 0);
const SEED = process.env['PROPERTY_SEED'];

/** The seed of every ordinary run, so that what fails for one fails for all. */
const FIXED_SEED = 20_260_101;

fc.configureGlobal({
  seed: SEED === undefined ? FIXED_SEED : Number(SEED),
  ...(LONG_RUNS > 0 && { numRuns: LONG_RUNS }),
});

/** For a property that needs another number of runs than the default of 100: never fewer than in the long mode. */
export function runs(count: number): number {
  return Math.max(count, LONG_RUNS);
}
