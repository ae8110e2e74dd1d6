// One value set in, or taken out of, a TOML text; comments, order and every other character stay.
import type { TomlTable } from 'smol-toml';
import { AgentError } from '../../../errors.ts';
import { parseToml } from '../toml.ts';
import { isSameTable, withoutEmpty, withValue } from './toml-tables.ts';
import {
  type Assignment,
  type Header,
  lineEnd,
  lineStart,
  readTomlLayout,
  type TomlLayout,
} from './toml-layout.ts';

/** What settings that decide on pulls are, and `imports`. */
export type SettingValue = boolean | number | string | readonly string[];

/** The value at a path as the text has it, or null when it has none there. The text must be TOML. */
export function rawValueAt(text: string, path: readonly string[]): string | null {
  const found = findAssignment(readTomlLayout(text), path);
  return found === undefined ? null : text.slice(found.valueStart, found.valueEnd);
}

/** How many tables have a header. The text must be TOML. */
export function countTables(text: string): number {
  return readTomlLayout(text).headers.length;
}

/**
 * Sets the value at a path, where it stands if it stands somewhere. On return the text parses to what it parsed
 * to before, with just that value set. Throws `containerd_change_refused` where that cannot be had.
 */
export function setValue(text: string, path: readonly string[], value: SettingValue): string {
  return setRawValue(text, path, encodeValue(value));
}

/** The same with the value as TOML. */
export function setRawValue(text: string, path: readonly string[], raw: string): string {
  const layout = readTomlLayout(text);
  const found = findAssignment(layout, path);
  const after =
    found === undefined
      ? insertValue(text, layout, path, raw)
      : text.slice(0, found.valueStart) + raw + text.slice(found.valueEnd);
  const value = parsed(`value = ${raw}`, path)['value'];
  const expected = withValue(parsed(text, path), path, value);
  return assertParsesTo(after, expected, path);
}

/**
 * Takes a key out, with its line where it has one to itself; `withHeader` also with the header above it, if
 * the table is left with nothing. The text stays as it is when nothing is there. Throws
 * `containerd_change_refused`.
 */
export function removeValue(text: string, path: readonly string[], withHeader: boolean): string {
  const layout = readTomlLayout(text);
  const found = findAssignment(layout, path);
  if (found === undefined) return text;
  const cut = withHeader && !found.isInline ? tableCut(text, layout, found) : null;
  const after = cut ?? (found.isInline ? cutInline(text, found) : cutLine(text, found));
  const [left, right] = [parsed(after, path), parsed(text, path)];
  // A table that is left empty may be there or not: it means nothing to containerd.
  if (!isSameTable(withoutEmpty(left), withoutEmpty(withValue(right, path, undefined)))) {
    throw refused(path, 'cannot be taken out without another change');
  }
  return after;
}

/** As TOML. */
export function encodeValue(value: SettingValue): string {
  if (typeof value === 'object') return `[${value.map(encodeValue).join(', ')}]`;
  // JSON escapes what TOML must have escaped, the same way, but for this one.
  return JSON.stringify(value).replaceAll('\u007f', '\\u007f');
}

/** A path as a header or a dotted key has it. */
export function encodePath(path: readonly string[]): string {
  return path.map((key) => (/^[\w-]+$/.test(key) ? key : encodeValue(key))).join('.');
}

function findAssignment({ assignments }: TomlLayout, path: readonly string[]) {
  return assignments.find((one) => isSame(one.path, path));
}

/** Under the table's header; in its braces; beside its dotted keys; or with a header of its own at the end. */
function insertValue(
  text: string,
  layout: TomlLayout,
  path: readonly string[],
  raw: string,
): string {
  const table = path.slice(0, -1);
  const line = `${encodePath(path.slice(-1))} = ${raw}`;
  const header = layout.headers.find((one) => isSame(one.path, table));
  if (header !== undefined || table.length === 0)
    return insertBelow(text, layout, header, table, line);
  const braces = findAssignment(layout, table);
  if (braces !== undefined) return insertInline(text, layout, braces, line);
  const dotted = layout.assignments.find(
    (one) => one.table.length < table.length && isSame(one.path.slice(0, table.length), table),
  );
  if (dotted === undefined) return appendTable(text, table, line);
  const key = `${encodePath(path.slice(dotted.table.length))} = ${raw}`;
  if (dotted.isInline) return splice(text, dotted.keyStart, `${key}, `);
  return insertLine(text, lineEnd(text, dotted.valueEnd), indentAt(text, dotted.keyStart) + key);
}

/** After the last of the table's own keys, else right below its header, else at the very beginning. */
function insertBelow(
  text: string,
  { assignments }: TomlLayout,
  header: Header | undefined,
  table: readonly string[],
  line: string,
): string {
  const own = assignments.filter(
    (one) =>
      !one.isInline &&
      isSame(one.table, table) &&
      (header === undefined || one.keyStart > header.start),
  );
  const last = own.at(-1);
  if (last !== undefined) {
    return insertLine(text, lineEnd(text, last.valueEnd), indentAt(text, last.keyStart) + line);
  }
  if (header === undefined) return insertLine(text, text.startsWith('\uFEFF') ? 1 : 0, line);
  return insertLine(text, header.end, `${indentAt(text, header.start)}  ${line}`);
}

function insertInline(
  text: string,
  { assignments }: TomlLayout,
  table: Assignment,
  line: string,
): string {
  const isEmpty = !assignments.some(
    ({ keyStart, isInline }) =>
      isInline && keyStart > table.valueStart && keyStart < table.valueEnd,
  );
  return splice(text, table.valueStart + 1, isEmpty ? ` ${line} ` : ` ${line},`);
}

function appendTable(text: string, table: readonly string[], line: string): string {
  const end = newlineOf(text);
  const gap = text === '' || text.endsWith('\n') ? '' : end;
  return `${text}${gap}${text === '' ? '' : end}[${encodePath(table)}]${end}  ${line}${end}`;
}

/** `at` is the beginning of a line, or the end of a text whose last line may not be ended. */
function insertLine(text: string, at: number, line: string): string {
  const end = newlineOf(text);
  const before = at > 0 && !/[\n\uFEFF]/.test(text.charAt(at - 1)) ? end : '';
  return splice(text, at, `${before}${line}${before === '' ? end : ''}`);
}

function cutLine(text: string, { keyStart, valueEnd }: Assignment): string {
  return text.slice(0, lineStart(text, keyStart)) + text.slice(lineEnd(text, valueEnd));
}

/** With its header and the empty line that sets the table apart; null when more than this key is there. */
function tableCut(
  text: string,
  { assignments, headers }: TomlLayout,
  found: Assignment,
): string | null {
  const header = headers.find((one) => isSame(one.path, found.table));
  const siblings = assignments.filter((one) => !one.isInline && isSame(one.table, found.table));
  if (header?.end !== lineStart(text, found.keyStart) || siblings.length > 1) return null;
  const gap = /\n(\r?\n)$/.exec(text.slice(0, header.start))?.[1]?.length ?? 0;
  return text.slice(0, header.start - gap) + text.slice(lineEnd(text, found.valueEnd));
}

/** With one of the commas beside it. */
function cutInline(text: string, { keyStart, valueEnd }: Assignment): string {
  const behind = /^\s*,[^\S\n]?/.exec(text.slice(valueEnd));
  if (behind !== null) return text.slice(0, keyStart) + text.slice(valueEnd + behind[0].length);
  const before = text.slice(0, keyStart).replace(/,?\s*$/, '');
  return before + text.slice(valueEnd);
}

function assertParsesTo(text: string, expected: TomlTable, path: readonly string[]): string {
  if (isSameTable(parsed(text, path), expected)) return text;
  throw refused(path, 'cannot be set without another change');
}

function parsed(text: string, path: readonly string[]): TomlTable {
  try {
    return parseToml(Buffer.from(text), 'containerd configuration');
  } catch (cause) {
    throw refused(path, 'cannot be set where it stands', cause);
  }
}

function newlineOf(text: string): string {
  return /\r\n/.test(text) ? '\r\n' : '\n';
}

function indentAt(text: string, at: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, at)))?.[0] ?? '';
}

function splice(text: string, at: number, insert: string): string {
  return text.slice(0, at) + insert + text.slice(at);
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && startsWith(a, b);
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.every((key, index) => path[index] === key);
}

function refused(path: readonly string[], fault: string, cause?: unknown): AgentError {
  const message = `containerd configuration: ${encodePath(path)}: ${fault}; change it by hand`;
  return new AgentError('containerd_change_refused', message, { cause });
}
