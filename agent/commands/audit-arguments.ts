// A moment as people write it: how long ago, or when.
import { AgentError } from '../errors.ts';
import { DURATION_FORM, parseDurationMs } from '../setting-forms.ts';

/** A date (which begins at midnight, UTC), or RFC 3339 with seconds left out at will. */
const DATE_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** The moment that an option says. Throws `argument_invalid`. */
export function parseMoment(text: string, option: string, now: Date): Date {
  const agoMs = parseDurationMs(text);
  if (agoMs !== undefined) return new Date(now.getTime() - agoMs);
  const ms = DATE_TIME.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(ms)) return new Date(ms);
  const expected = `a date such as 2026-08-22, a time such as 2026-08-22T10:00:00Z, or ${DURATION_FORM}`;
  throw new AgentError(
    'argument_invalid',
    `${option}: expected ${expected}, found ${JSON.stringify(text)}`,
  );
}
