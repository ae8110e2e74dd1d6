// How a store of containerd is followed: subscribed to first, then listed, both again whenever the stream breaks.
import { AgentError } from '../errors.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';

export interface SubscriptionOptions {
  /** The subscription broke (it is made again), or something of the store could not be read. */
  readonly onIncident?: (error: AgentError) => void;
  /** Before subscribing again. Default 5 seconds. */
  readonly retryMs?: number;
  readonly clock?: Clock;
}

/** containerd restarts in less; a constant wait is kind enough to a local socket. */
const RETRY_MS = 5000;

/**
 * Runs one subscription after the other until the signal aborts. Rejects with `ledger_failed` and
 * with what is no AgentError; everything else is an incident.
 */
export async function resubscribe(
  subscription: (signal: AbortSignal) => Promise<void>,
  { onIncident, retryMs = RETRY_MS, clock = SYSTEM_CLOCK }: SubscriptionOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await subscription(signal);
    } catch (error) {
      if (!(error instanceof AgentError) || error.code === 'ledger_failed') throw error;
      tell(error, onIncident, signal);
    }
    await clock.sleep(retryMs, signal);
  }
}

// What breaks because we stop is none.
function tell(
  error: AgentError,
  onIncident: SubscriptionOptions['onIncident'],
  signal: AbortSignal,
): void {
  if (!signal.aborted) onIncident?.(error);
}

/** What an event stream did next. */
export type Turn<T> =
  | { readonly failed: false; readonly result: IteratorResult<T, unknown> }
  | { readonly failed: true; readonly error: unknown };

/** The stream may break while a list is awaited: as a value it waits until it is looked at. */
export function settled<T>(next: Promise<IteratorResult<T, unknown>>): Promise<Turn<T>> {
  return next.then(
    (result) => ({ failed: false, result }),
    (error: unknown) => ({ failed: true, error }),
  );
}
