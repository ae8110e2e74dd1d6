// The parts of a process, which run and end together.

/**
 * Resolves once all have ended; when the first does, `stop` is aborted, which must end the others. The
 * first fault is thrown once nothing runs any more: what all share is closed after this.
 */
export async function untilAllEnd(
  parts: readonly Promise<void>[],
  stop: AbortController,
): Promise<void> {
  const ends = parts.map((part) =>
    part.finally(() => {
      stop.abort();
    }),
  );
  try {
    await Promise.all(ends);
  } finally {
    await Promise.allSettled(ends);
  }
}
