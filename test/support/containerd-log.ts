// Writes lines as containerd's logger does, in both of its formats.
import type { LogLevel } from '../../agent/node/journald/containerd-line.ts';
import type { LogMode } from './containerd-lines.ts';

/** What a statement of containerd logs. */
export interface LogStatement {
  /** Default: info. */
  readonly level?: LogLevel;
  readonly msg: string;
  readonly fields?: Readonly<Record<string, string | boolean>>;
  /** Default: a certain one. */
  readonly time?: string;
}

const TIME = '2026-08-22T10:11:12.123456789Z';

export function logLine(statement: LogStatement, format: LogMode['format'] = 'text'): string {
  const { level = 'info', msg, fields = {}, time = TIME } = statement;
  const sorted = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  if (format === 'json') return jsonLine({ ...fields, level, msg, time });
  const pairs: [string, string | boolean][] = [
    ['time', time],
    ['level', level],
    ['msg', msg],
  ];
  return [...pairs, ...sorted].map(([key, value]) => `${key}=${textValue(value)}`).join(' ');
}

// encoding/json sorts the keys of a map and escapes what HTML would read.
function jsonLine(record: Readonly<Record<string, string | boolean>>): string {
  const sorted = Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(Object.fromEntries(sorted)).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function textValue(value: string | boolean): string {
  const text = String(value);
  return /^[A-Za-z0-9\-._/@^+]*$/.test(text) ? text : goQuote(text);
}

/** `%q`. */
export function goQuote(text: string): string {
  return `"${Array.from(text, quoteCharacter).join('')}"`;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\x07', String.raw`\a`],
  ['\b', String.raw`\b`],
  ['\f', String.raw`\f`],
  ['\n', String.raw`\n`],
  ['\r', String.raw`\r`],
  ['\t', String.raw`\t`],
  ['\v', String.raw`\v`],
  ['\\', String.raw`\\`],
  ['"', String.raw`\"`],
]);

function quoteCharacter(character: string): string {
  const escape = ESCAPES.get(character);
  if (escape !== undefined) return escape;
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x20 || point === 0x7f) return `\\x${point.toString(16).padStart(2, '0')}`;
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) return character;
  return point > 0xffff
    ? `\\U${point.toString(16).padStart(8, '0')}`
    : `\\u${point.toString(16).padStart(4, '0')}`;
}
