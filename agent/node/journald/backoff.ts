// How long to wait before starting journalctl again.

/** Bounds of the wait, in milliseconds. */
export interface Backoff {
  readonly initialMs: number;
  readonly maxMs: number;
}

/** A journalctl that died once is back within a second; one that cannot start costs two spawns a minute. */
export const JOURNALCTL_BACKOFF: Backoff = { initialMs: 250, maxMs: 30_000 };

/**
 * The wait before attempt `failures` + 1: doubled each time up to the cap, then a random half of it
 * taken off, so that the nodes of a cluster do not act in step. `random` is in [0, 1).
 */
export function backoffMs(failures: number, random: number, backoff: Backoff): number {
  const exponent = Math.min(Math.max(failures - 1, 0), 30);
  const capped = Math.min(backoff.initialMs * 2 ** exponent, backoff.maxMs);
  return Math.round(capped * (1 - random / 2));
}
