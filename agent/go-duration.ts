// Durations as Go writes them: `10s`, `1m30s`, `1.5h`.

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

/** The time in milliseconds, negative too, or null for text that Go's time.ParseDuration refuses. */
export function parseGoDuration(text: string): number | null {
  const match = /^([-+]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text);
  if (match === null) return null;
  const [, sign, parts = ''] = match;
  let ms = 0;
  for (const [, number, unit = ''] of parts.matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    ms += Number(number) * (UNITS_MS.get(unit) ?? 0);
  }
  return sign === '-' ? -ms : ms;
}
