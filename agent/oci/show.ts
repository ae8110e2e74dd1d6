// How a value that was found is quoted in an error message: short, on one line, without tricks.

/** Enough to recognise the value; keeps attacker-controlled text from flooding logs. */
const MAX_SHOWN_CHARACTERS = 160;

/** Control, format (bidirectional overrides), unassigned and separator characters but the space. */
const UNPRINTABLE = /(?! )[\p{C}\p{Z}]/gu;

/**
 * Strings are quoted, cut and escaped; of objects and arrays only the kind is told, so that the
 * cost does not depend on attacker-controlled depth or size. Never throws.
 */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/**
 * The text with each unprintable character as its number, so that it stays on its line and cannot
 * command a terminal. Cut at `maxCharacters`, if given. Never throws.
 */
export function printable(text: string, maxCharacters = Infinity): string {
  return cut(text, maxCharacters).replace(UNPRINTABLE, escape);
}

/** The text, or as much of it as was asked for and an ellipsis. */
export function cut(text: string, maxCharacters: number): string {
  return text.length > maxCharacters ? `${text.slice(0, maxCharacters)}…` : text;
}

function quote(text: string): string {
  return printable(JSON.stringify(cut(text, MAX_SHOWN_CHARACTERS)));
}

function escape(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
