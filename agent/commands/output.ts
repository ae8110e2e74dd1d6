// What commands print: lines that hold attacker-controlled text, made safe for a terminal in one place.
import { styleText } from 'node:util';
import { printable } from '../oci/show.ts';
import type { Screen } from './screen.ts';
import { wrap } from './wrap.ts';

/** All faults of a policy are far shorter; an attacker's text must not flood a terminal. */
const MAX_LINE_CHARACTERS = 10_000;

/** Lines of text, each ended; what would break a line or command a terminal is escaped. */
export function textLines(lines: readonly string[]): string {
  return lines.map((line) => `${printable(line, MAX_LINE_CHARACTERS)}\n`).join('');
}

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow';

/** A part of a row. */
export interface Cell {
  /** Any text at all. */
  readonly text: string;
  /** Columns that it is filled up to, the gap behind it included. Not for the last cell. */
  readonly width?: number;
  readonly style?: readonly Style[];
  /** False keeps the last cell in one piece, for what is to be copied. Default: true. */
  readonly wraps?: boolean;
}

/**
 * One row of a table, ended. The last cell wraps under itself, so that whatever is in it, no line
 * but the first begins at the left.
 */
export function tableRow(cells: readonly Cell[], { columns, colours }: Screen): string {
  const paint = (text: string, style: Cell['style']) =>
    colours && style !== undefined ? styleText([...style], text, { validateStream: false }) : text;
  const last = cells.at(-1);
  const head = cells.slice(0, -1);
  const indent = head.reduce((sum, { width = 0 }) => sum + width, 0);
  const start = head.map(
    ({ text, width = 0, style }) => paint(printable(text), style) + fill(text, width),
  );
  const text = printable(last?.text ?? '', MAX_LINE_CHARACTERS);
  const wraps = columns !== undefined && last?.wraps !== false;
  const lines = (wraps ? wrap(text, columns - indent) : [text]).map((line) =>
    paint(line, last?.style),
  );
  return `${start.join('')}${lines.join(`\n${' '.repeat(indent)}`)}`.trimEnd() + '\n';
}

function fill(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - printable(text).length));
}

/** JSON escapes only some of the control characters; the rest would reach a terminal. */
const UNPRINTABLE_IN_JSON = /(?![ \n])[\p{C}\p{Z}]/gu;

/** One line of JSON in which every unprintable character is escaped; it parses to the same value. */
export function jsonLine(value: unknown): string {
  return printableJson(`${JSON.stringify(value)}\n`);
}

/** The same of lines of JSON that are encoded already. */
export function printableJson(lines: string): string {
  return lines.replace(UNPRINTABLE_IN_JSON, escapeUnits);
}

function escapeUnits(character: string): string {
  const units = [...Array(character.length).keys()].map((index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
}
