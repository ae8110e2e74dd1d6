// The Date header of our HTTP answers: RFC 9110, "Date".
import type { ServerResponse } from 'node:http';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MONTHS = [
  ...(['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun'] as const),
  ...(['Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const),
];

/**
 * Dates a response, so that Node does not: it calls `toUTCString`, for which V8 looks up the name of
 * the local time zone and does not use it. That brings 6 MB of ICU's data into memory, for good.
 */
export function setDate(response: ServerResponse): void {
  response.setHeader('date', httpDate(new Date()));
}

/** A time as HTTP has it, "Sun, 06 Nov 1994 08:49:37 GMT". Of the years 0 to 9999. */
export function httpDate(time: Date): string {
  const [date = '', clock = ''] = time.toISOString().split('T');
  const [year = '', , day = ''] = date.split('-');
  const [weekday, month] = [DAYS[time.getUTCDay()], MONTHS[time.getUTCMonth()]];
  return `${weekday ?? ''}, ${day} ${month ?? ''} ${year} ${clock.slice(0, 8)} GMT`;
}
