// What commands print: lines that hold attacker-controlled text, made safe for a terminal in one place.
import { printable } from '../oci/show.ts';

/** All faults of a policy are far shorter; an attacker's text must not flood a terminal. */
const MAX_LINE_CHARACTERS = 10_000;

/** Lines of text, each ended; what would break a line or command a terminal is escaped. */
export function textLines(lines: readonly string[]): string {
  return lines.map((line) => `${printable(line, MAX_LINE_CHARACTERS)}\n`).join('');
}

/** JSON escapes only some of the control characters; the rest would reach a terminal. */
const UNPRINTABLE_IN_JSON = /(?! )[\p{C}\p{Z}]/gu;

/** One line of JSON in which every unprintable character is escaped; it parses to the same value. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(UNPRINTABLE_IN_JSON, escapeUnits)}\n`;
}

function escapeUnits(character: string): string {
  const units = [...Array(character.length).keys()].map((index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
