// The time that a piece of work has, as a signal that leaves nothing behind.

/**
 * Does `work` with a signal that fires when the caller's does, with its reason, or after `ms`, with a
 * `TimeoutError`. What fires after the work is done has no effect.
 *
 * Used instead of `AbortSignal.any([signal, AbortSignal.timeout(ms)])` wherever another signal is
 * derived from the result: Node never forgets such a pair, and a long-lived process fills with them.
 */
export async function withDeadline<T>(
  signal: AbortSignal,
  ms: number,
  work: (within: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => {
    controller.abort(signal.reason);
  };
  const timer = setTimeout(() => {
    controller.abort(new DOMException(`not done within ${ms} ms`, 'TimeoutError'));
  }, ms);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
