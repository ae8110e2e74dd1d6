// Go's quoted strings (strconv.Quote, `%q`), as logrus writes them. Not JSON: \a, \v, \x and \U exist.
import { AgentError } from '../../errors.ts';

/** A quoted string's value and the index after its closing quote. */
export interface GoQuoted {
  readonly value: string;
  readonly end: number;
}

const SIMPLE_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
]);
const HEX_DIGITS: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Reads the quoted string that starts at `at`. A `\x` of 80 or more stands for a byte that was not
 * UTF-8 and becomes U+FFFD. Throws `journal_line_invalid` when there is no complete string there.
 */
export function parseGoQuoted(text: string, at: number): GoQuoted {
  if (text.charCodeAt(at) !== QUOTE) throw invalid('a quoted string', text, at);
  let value = '';
  let from = at + 1;
  let next = from;
  let [quote, backslash] = [-1, -1];
  for (;;) {
    // Each is looked for again only once it is passed, so that every character is looked at once.
    if (quote < next) quote = indexIn(text, '"', next);
    if (backslash < next) backslash = indexIn(text, '\\', next);
    const stop = Math.min(quote, backslash);
    value += text.slice(from, stop);
    if (stop === text.length) throw invalid('a closing quote', text, at);
    if (stop === quote) return { value, end: stop + 1 };
    const letter = text.charCodeAt(stop + 1);
    if (letter === QUOTE || letter === BACKSLASH) {
      // Nearly all are these, which stand for themselves: the next part begins with it.
      from = stop + 1;
      next = stop + 2;
      continue;
    }
    const escape = parseEscape(text, stop);
    value += escape.value;
    from = escape.end;
    next = from;
  }
}

function indexIn(text: string, wanted: string, from: number): number {
  const found = text.indexOf(wanted, from);
  return found < 0 ? text.length : found;
}

function parseEscape(text: string, at: number): GoQuoted {
  const letter = text.charAt(at + 1);
  const simple = SIMPLE_ESCAPES.get(letter);
  if (simple !== undefined) return { value: simple, end: at + 2 };
  const digits = HEX_DIGITS.get(letter);
  if (digits === undefined) throw invalid('an escape of Go', text, at);
  const hex = text.slice(at + 2, at + 2 + digits);
  if (hex.length !== digits || !/^[0-9a-f]+$/i.test(hex)) {
    throw invalid(`${digits} hexadecimal digits after \\${letter}`, text, at);
  }
  const point = Number.parseInt(hex, 16);
  if (point > 0x10ffff) throw invalid('a Unicode code point', text, at);
  const lost = (letter === 'x' && point >= 0x80) || (point >= 0xd800 && point <= 0xdfff);
  return { value: lost ? '\ufffd' : String.fromCodePoint(point), end: at + 2 + digits };
}

function invalid(expected: string, text: string, at: number): AgentError {
  const found = JSON.stringify(text.slice(at, at + 40));
  return new AgentError(
    'journal_line_invalid',
    `log line, character ${at}: expected ${expected}, found ${found}`,
  );
}
