// Where the keys and tables of a TOML text stand in it, so that one value can be changed and every other character kept.
import { parse } from 'smol-toml';

/** A key with its value. Offsets are of characters. */
export interface Assignment {
  /** From the document's root. */
  readonly path: readonly string[];
  /** The table whose header or braces it stands under. */
  readonly table: readonly string[];
  readonly keyStart: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** It stands between braces rather than on a line of its own. */
  readonly isInline: boolean;
}

/** A table's header, `[a.b]`. */
export interface Header {
  readonly path: readonly string[];
  /** Of its line. */
  readonly start: number;
  /** After its line's end. */
  readonly end: number;
}

/** Everything but what stands in arrays of tables, which has no path of its own. */
export interface TomlLayout {
  readonly assignments: readonly Assignment[];
  readonly headers: readonly Header[];
}

/** Reads the layout of a text that `parseToml` accepts; of any other it ends too, and the result means nothing. */
export function readTomlLayout(text: string): TomlLayout {
  const scanner = new Scanner(text);
  scanner.document();
  return { assignments: scanner.assignments, headers: scanner.headers };
}

/** What a bare or quoted key stands for. */
function keyName(raw: string): string {
  if (!/^["']/.test(raw)) return raw;
  try {
    const { key } = parse(`key = ${raw}`);
    return typeof key === 'string' ? key : raw;
  } catch {
    // The text is no TOML.
    return raw;
  }
}

/** Stands for what has no path: no key holds a zero. */
const NOWHERE = '\0';

class Scanner {
  readonly assignments: Assignment[] = [];
  readonly headers: Header[] = [];
  readonly #text: string;
  readonly #arrays: string[] = [];
  #at = 0;
  #table: readonly string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    while (this.#skipBlank()) {
      if (this.#next() === '[') this.#header();
      else this.#assignment(this.#table, false);
    }
  }

  #header(): void {
    const start = lineStart(this.#text, this.#at);
    const isArray = this.#text.startsWith('[[', this.#at);
    this.#at += isArray ? 2 : 1;
    const path = this.#key();
    this.#at += isArray ? 2 : 1;
    this.#at = lineEnd(this.#text, this.#at);
    if (isArray) this.#arrays.push(JSON.stringify(path));
    const isInArray = path.some((_, depth) =>
      this.#arrays.includes(JSON.stringify(path.slice(0, depth + 1))),
    );
    this.#table = isInArray ? [NOWHERE] : path;
    if (!isInArray) this.headers.push({ path, start, end: this.#at });
  }

  #assignment(table: readonly string[], isInline: boolean): void {
    const keyStart = this.#at;
    const path = [...table, ...this.#key()];
    this.#at += 1;
    this.#skipSpaces();
    const valueStart = this.#at;
    this.#value(path);
    if (path.includes(NOWHERE)) return;
    this.assignments.push({ path, table, keyStart, valueStart, valueEnd: this.#at, isInline });
  }

  /** A dotted key, and the spaces behind it. */
  #key(): string[] {
    const parts: string[] = [];
    for (;;) {
      this.#skipSpaces();
      const start = this.#at;
      const quote = this.#next();
      if (quote === '"' || quote === "'") this.#string();
      else while (this.#at < this.#text.length && /[\w-]/.test(this.#next())) this.#at += 1;
      parts.push(keyName(this.#text.slice(start, this.#at)));
      this.#skipSpaces();
      if (this.#next() !== '.') return parts;
      this.#at += 1;
    }
  }

  #value(path: readonly string[]): void {
    const start = this.#at;
    switch (this.#next()) {
      case '"':
      case "'":
        this.#string();
        return;
      case '[':
        this.#items(']', () => this.#value([NOWHERE]));
        return;
      case '{':
        this.#items('}', () => this.#assignment(path, true));
        return;
      default:
        while (this.#at < this.#text.length && !/[,\]}#\r\n]/.test(this.#next())) this.#at += 1;
        while (this.#at > start && /\s/.test(this.#text.charAt(this.#at - 1))) this.#at -= 1;
    }
  }

  #items(close: string, item: () => void): void {
    this.#at += 1;
    while (this.#skipBlank() && this.#next() !== close) {
      const start = this.#at;
      if (this.#next() !== ',') item();
      // A comma; or, of a text that is no TOML, what must not hold it up for ever.
      if (this.#at === start) this.#at += 1;
    }
    this.#at += 1;
  }

  #string(): void {
    const quote = this.#next();
    const long = quote.repeat(3);
    const isLong = this.#text.startsWith(long, this.#at);
    const close = isLong ? long : quote;
    this.#at += close.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(close, this.#at)) {
      this.#at += quote === '"' && this.#next() === '\\' ? 2 : 1;
    }
    this.#at += close.length;
    // Up to two quotes before the closing ones belong to the string.
    for (let more = 0; isLong && more < 2 && this.#next() === quote; more += 1) this.#at += 1;
  }

  /** Whether anything follows. */
  #skipBlank(): boolean {
    for (;;) {
      while (this.#at < this.#text.length && /[\s\uFEFF]/.test(this.#next())) this.#at += 1;
      if (this.#next() !== '#') return this.#at < this.#text.length;
      this.#at = lineEnd(this.#text, this.#at);
    }
  }

  #skipSpaces(): void {
    while (this.#next() === ' ' || this.#next() === '\t') this.#at += 1;
  }

  #next(): string {
    return this.#text.charAt(this.#at);
  }
}

/** Where the line that holds `at` begins. */
export function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** After the end of the line that holds `at`. */
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end < 0 ? text.length : end + 1;
}
