// RFC 3339 times, as signed attributes of JWS write them.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { FaultOptions } from './fault-options.ts';
import { isoTime } from '../../utc.ts';

const RFC_3339 =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,32}))?(?:Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

/**
 * Parses a date-time of RFC 3339 section 5.6 with upper-case T and Z. Fractions are cut to the
 * millisecond, never rounded up, so that an expiry is not prolonged. Leap seconds and days that the
 * calendar does not have are refused. Throws `options.code`.
 */
export function parseRfc3339(text: string, options: FaultOptions): Date {
  const match = RFC_3339.exec(text);
  if (match === null) throw invalid(text, options);
  const [, local = '', fraction = '', sign, hours, minutes] = match;
  const iso = `${local}.${fraction.padEnd(3, '0').slice(0, 3)}Z`;
  const date = new Date(iso);
  // Date rolls the 30th of February over, or says that it is no date.
  if (Number.isNaN(date.getTime()) || isoTime(date) !== iso) throw invalid(text, options);
  const offsetMinutes = sign === undefined ? 0 : Number(hours) * 60 + Number(minutes);
  return new Date(date.getTime() + (sign === '-' ? offsetMinutes : -offsetMinutes) * 60_000);
}

function invalid(text: string, options: FaultOptions): AgentError {
  return new AgentError(
    options.code,
    `${options.what}: expected an RFC 3339 time such as 2026-01-02T03:04:05Z, found ${show(text)}`,
  );
}
