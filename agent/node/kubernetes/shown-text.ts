// Text that others wrote, as it may be put into objects of Kubernetes. Pure.

import { isoTime } from '../../utc.ts';

/** Characters that would command the terminal of who reads it; a cause may hold any text. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]+/gu;

/** The text without what is not printed, and cut to that many UTF-16 units. */
export function shownText(text: string, maxLength: number): string {
  const shown = text.replace(UNPRINTABLE, ' ');
  if (shown.length <= maxLength) return shown;
  // Not in the middle of a pair of surrogates: Go would read something else.
  return `${shown.slice(0, maxLength - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** RFC 3339 with whole seconds, as Kubernetes itself writes times. */
export function timeText(at: Date): string {
  return `${isoTime(at).slice(0, 19)}Z`;
}
