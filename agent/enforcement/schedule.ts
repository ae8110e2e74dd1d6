// When the next canary is tried: pure.
import type { CanaryResult } from './canary-result.ts';

/** containerd is back within seconds of a restart, and an operator who fixes something wants to see it. */
const FIRST_RETRY_MS = 1_000;
/** A bypass can last for ever; proving it again is cheap but not free. */
const MAX_RETRY_MS = 10 * 60_000;
/** Nodes that started together must not stay together. */
const JITTER = 0.1;

/**
 * Milliseconds to wait: the interval after a proof, and after anything else a time that doubles with
 * each of the `failures` in a row (1 for the first), up to ten minutes or the interval. `random` is from 0 to 1.
 */
export function nextCanaryMs(
  kind: CanaryResult['kind'],
  failures: number,
  intervalMs: number,
  random: number,
): number {
  const baseMs =
    kind === 'proved'
      ? intervalMs
      : Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS, intervalMs);
  return Math.round(baseMs * (1 - JITTER + 2 * JITTER * random));
}
