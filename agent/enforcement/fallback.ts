// What the journal has told of the containerd that runs now: when it started, and its warning that it bypasses verifiers.
import { causeOf } from './causes.ts';
import type { Suspicion } from './state.ts';

/** How often an event was read from the journal, and when last; `agent/audit` keeps them across restarts of the agent. */
export interface EventTotal {
  readonly event: string;
  /** Microseconds since 1970. */
  readonly lastUs: number;
  /** What containerd said. */
  readonly lastDetail: string;
}

/** When containerd started last, as far as the journal has told; null when it has not. */
export function containerdStartedAt(events: readonly EventTotal[]): Date | null {
  const lastUs = find(events, 'containerd_started')?.lastUs;
  return lastUs === undefined ? null : new Date(Math.floor(lastUs / 1000));
}

/**
 * The warning of the containerd that runs now: it is logged once, while containerd starts. One from
 * before the last start is of an earlier containerd, which may have had another configuration.
 */
export function fallbackWarning(events: readonly EventTotal[]): Suspicion | undefined {
  const warning = find(events, 'pull_fallback');
  const startedUs = find(events, 'containerd_started')?.lastUs ?? 0;
  if (warning === undefined || warning.lastUs < startedUs) return undefined;
  return { ...causeOf('pull_fallback', `It named ${warning.lastDetail}.`), effect: 'bypass' };
}

function find(events: readonly EventTotal[], name: string): EventTotal | undefined {
  return events.find(({ event }) => event === name);
}
