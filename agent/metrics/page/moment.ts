// Times on the status page: how long ago, and when exactly.
import { span } from '../../span.ts';
import { markup, type Markup } from './markup.ts';
import { isoTime } from '../../utc.ts';

/** Such as "12 min ago" or "in 3 d"; the exact time is told to programs, and to a person who points at it. */
export function moment(at: Date | null, now: Date, otherwise = 'never'): Markup {
  if (at === null) return markup`${otherwise}`;
  const exact = isoTime(at);
  const text = at > now ? `in ${span(at, now)}` : `${span(now, at)} ago`;
  return markup`<time datetime="${exact}" title="${exact}">${text}</time>`;
}
