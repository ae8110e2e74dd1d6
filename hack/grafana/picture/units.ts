// Values as Grafana writes them, for the units that our dashboards use.

/** From the smallest; each holds from this many seconds on. */
const SPANS: readonly (readonly [seconds: number, one: string, many: string])[] = [
  [1, ' s', ' s'],
  [60, ' min', ' mins'],
  [3600, ' hour', ' hours'],
  [86_400, ' day', ' days'],
  [604_800, ' week', ' weeks'],
];
const THOUSANDS = ['', ' K', ' Mil', ' Bil'];
const BYTES = [' B', ' KiB', ' MiB', ' GiB'];
const BYTES_IN_NEXT = 1024;
const THOUSAND = 1000;

/** Text for a value, with so many decimals or as many as matter. Throws a TypeError for a unit that is not used. */
export function formatValue(value: number, unit: string, decimals?: number): string {
  switch (unit) {
    case 'percentunit':
      return `${digits(value * 100)}%`;
    case 's':
      return formatSpan(value);
    case 'bytes':
      return scaled(value, BYTES_IN_NEXT, BYTES);
    case 'ops':
      return `${digits(value)} ops/s`;
    case 'reqps':
      return `${digits(value)} req/s`;
    case 'short':
      return decimals === undefined ? scaled(value, THOUSAND, THOUSANDS) : value.toFixed(decimals);
    default:
      throw new TypeError(`no unit ${unit}`);
  }
}

function formatSpan(seconds: number): string {
  const size = Math.abs(seconds);
  if (size === 0) return '0 s';
  if (size < 1) return `${digits(seconds * THOUSAND)} ms`;
  const [span = 1, one = '', many = ''] = SPANS.findLast(([from]) => size >= from) ?? [];
  const count = digits(seconds / span);
  return `${count}${count === '1' ? one : many}`;
}

function scaled(value: number, factor: number, units: readonly string[]): string {
  let [rest, power] = [value, 0];
  while (Math.abs(rest) >= factor && power < units.length - 1) {
    rest /= factor;
    power += 1;
  }
  return `${digits(rest)}${units[power] ?? ''}`;
}

/** Three of them that matter, without zeros at the end. */
function digits(value: number): string {
  const whole = Math.floor(Math.log10(Math.max(1, Math.abs(value)))) + 1;
  return String(Number(value.toFixed(Math.max(0, 3 - whole))));
}
