// How long ago, for a person.

/** The time between two, in the largest unit that tells it: 3 d, 5 h, 12 min, 40 s. */
export function span(later: Date, earlier: Date): string {
  const seconds = Math.max(0, Math.round((later.getTime() - earlier.getTime()) / 1000));
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
  ] as const;
  const found = units.find(([size]) => seconds >= 2 * size);
  return found === undefined ? `${seconds} s` : `${Math.floor(seconds / found[0])} ${found[1]}`;
}
