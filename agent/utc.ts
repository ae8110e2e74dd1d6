// Times as text, in UTC.
//
// JavaScript's own `toISOString` and `toUTCString` look up the time zone and its name first, of which
// they write nothing: for as long as the process lives, that is up to 8 MB of ICU's tables.

/** As `Date.prototype.toISOString`, to the letter. Throws `RangeError` for a date that is none. */
export function isoTime(date: Date): string {
  const year = date.getUTCFullYear();
  if (Number.isNaN(year)) throw new RangeError('expected a time, found an invalid date');
  return `${isoYear(year)}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}T${clock(date)}.${padded(date.getUTCMilliseconds(), 3)}Z`;
}

/** As `Date` of HTTP has it (RFC 9110, 5.6.7). Of a year that has four digits. Throws as `isoTime`. */
export function httpTime(date: Date): string {
  const day = DAYS[date.getUTCDay()];
  const month = MONTHS[date.getUTCMonth()];
  if (day === undefined || month === undefined) {
    throw new RangeError('expected a time, found an invalid date');
  }
  return `${day}, ${two(date.getUTCDate())} ${month} ${padded(date.getUTCFullYear(), 4)} ${clock(date)} GMT`;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** Six digits and a sign outside of the years that four can tell (ECMA-262, 21.4.1.33.1). */
function isoYear(year: number): string {
  if (year >= 0 && year <= 9999) return padded(year, 4);
  return `${year < 0 ? '-' : '+'}${padded(Math.abs(year), 6)}`;
}

function clock(date: Date): string {
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

function two(value: number): string {
  return padded(value, 2);
}

function padded(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
