// One log line of containerd: logrus text (`key=value`, Go quoting) or JSON.
import { AgentError } from '../../errors.ts';
import { parseGoQuoted } from './go-quote.ts';

/** logrus prints `warning`, never `warn`. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'fatal', 'panic'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A line's own fields. All of it but the shape may be attacker-controlled (image names, reasons). */
export interface ContainerdLine {
  /** As printed, RFC 3339; not checked further. */
  readonly time: string;
  readonly level: LogLevel;
  /** '' when containerd logged none. */
  readonly message: string;
  /** The other keys; JSON values that are not strings as their JSON text. */
  readonly fields: ReadonlyMap<string, string>;
}

/** containerd's own lines have fewer than ten; the bound keeps a hostile line cheap. */
export const MAX_LINE_FIELDS = 64;

/** containerd logs lists of names at most; encoding a value again recurses once per level. */
const MAX_VALUE_DEPTH = 8;

/** What logrus writes of every line; the others are those of its fields. */
const OWN_KEYS = ['time', 'level', 'msg'] as const;
const NO_FIELDS: ReadonlyMap<string, string> = new Map();
const KEY = /^[\w.\-/@]{1,128}$/;
// logrus prints a value without quotes only when it is made of these; an empty one is bare.
const BARE_VALUE = /^[A-Za-z0-9\-._/@^+]*$/;

/**
 * Parses a line left to right: an escaped imitation of a whole line inside `reason=` stays a value.
 * Throws `journal_line_invalid` for anything that logrus does not write, which raw lines of shims
 * in the same stream often are.
 */
export function parseContainerdLine(text: string): ContainerdLine {
  const pairs = text.startsWith('{') ? jsonPairs(text) : textPairs(text);
  const { time, level, msg: message = '', fields = NO_FIELDS } = pairs;
  if (time === undefined) throw invalid('a time', text);
  if (!isLogLevel(level)) throw invalid('a level', text);
  return { time, level, message, fields };
}

/** What a line says. Most have none but the first three, which no map has to hold. */
interface Pairs {
  time: string | undefined;
  level: string | undefined;
  msg: string | undefined;
  fields: Map<string, string> | undefined;
  count: number;
}

function textPairs(text: string): Pairs {
  // Nothing but logrus starts a line like this, so most foreign lines end here.
  if (!text.startsWith('time="')) throw invalid('time="…" at its start', text);
  const pairs = noPairs();
  let at = 0;
  while (at <= text.length) {
    const equals = text.indexOf('=', at);
    const key = keyOf(text, at, equals);
    const { value, end } = textValue(text, equals + 1);
    if (end < text.length && text[end] !== ' ') throw invalid(`a space at character ${end}`, text);
    addPair(pairs, key, value, text);
    at = end + 1;
  }
  return pairs;
}

function noPairs(): Pairs {
  return { time: undefined, level: undefined, msg: undefined, fields: undefined, count: 0 };
}

function keyOf(text: string, at: number, equals: number): string {
  for (const key of OWN_KEYS) {
    if (equals - at === key.length && text.startsWith(key, at)) return key;
  }
  const key = text.slice(at, equals);
  if (equals < 0 || !KEY.test(key)) throw invalid(`a key at character ${at}`, text);
  return key;
}

function textValue(text: string, at: number): { value: string; end: number } {
  if (text[at] === '"') return parseGoQuoted(text, at);
  const space = text.indexOf(' ', at);
  const end = space < 0 ? text.length : space;
  const value = text.slice(at, end);
  if (!BARE_VALUE.test(value)) throw invalid(`a value at character ${at}`, text);
  return { value, end };
}

function jsonPairs(text: string): Pairs {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new AgentError('journal_line_invalid', `log line: expected one JSON object`, { cause });
  }
  const pairs = noPairs();
  for (const [key, value] of Object.entries(document as object)) {
    if (isDeeper(value, MAX_VALUE_DEPTH)) throw invalid(`values nested less at ${key}`, text);
    addPair(pairs, key, typeof value === 'string' ? value : JSON.stringify(value), text);
  }
  return pairs;
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1));
}

// logrus keeps fields in a map, so a second value for a key was not written by it.
function addPair(pairs: Pairs, key: string, value: string, text: string): void {
  const isOwn = isOwnKey(key);
  const known = isOwn ? pairs[key] !== undefined : pairs.fields?.has(key) === true;
  if (known) throw invalid(`one value for ${key}`, text);
  if (pairs.count === MAX_LINE_FIELDS) throw invalid(`at most ${MAX_LINE_FIELDS} fields`, text);
  pairs.count += 1;
  if (isOwn) pairs[key] = value;
  else (pairs.fields ??= new Map()).set(key, value);
}

function isOwnKey(key: string): key is (typeof OWN_KEYS)[number] {
  return key === 'time' || key === 'level' || key === 'msg';
}

function isLogLevel(text: string | undefined): text is LogLevel {
  return LOG_LEVELS.some((level) => level === text);
}

function invalid(expected: string, text: string): AgentError {
  const found = JSON.stringify(text.slice(0, 80));
  return new AgentError('journal_line_invalid', `log line: expected ${expected}, found ${found}`);
}
