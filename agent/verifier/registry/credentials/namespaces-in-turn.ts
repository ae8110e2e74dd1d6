// Fairness between namespaces, where not all of what they name can be tried. Pure.

/**
 * One of each namespace, then the second of each: not all can be tried, and whoever may make pods in one
 * namespace must not crowd out the secrets of another by naming the same repository.
 */
export function inTurn<T>(all: readonly { readonly namespace: string; readonly value: T }[]): T[] {
  const seen = new Map<string, number>();
  const placed = all.map(({ namespace, value }) => {
    const turn = seen.get(namespace) ?? 0;
    seen.set(namespace, turn + 1);
    return { turn, value };
  });
  // Sorting keeps the order of those of one turn.
  return placed.sort((a, b) => a.turn - b.turn).map(({ value }) => value);
}
