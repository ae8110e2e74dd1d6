// Strict JSON (RFC 8259) for documents that decide about trust: whatever two readers could read differently is refused.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { FaultOptions } from './fault-options.ts';
import type { JsonPlaces } from './json-places.ts';

export interface StrictJsonOptions extends FaultOptions {
  /** Size of the document in UTF-8 bytes. */
  readonly maxBytes: number;
  /** How deep arrays and objects may nest. Default: `MAX_JSON_DEPTH`. */
  readonly maxDepth?: number;
  /** How many values there may be in all. Default: `MAX_JSON_VALUES`. */
  readonly maxValues?: number;
  /** Remembers where everything stands, and what was wrong. Default: nobody does. */
  readonly places?: JsonPlaces;
}

/** No document that we read nests deeper than about eight; the parser recurses once per level. */
export const MAX_JSON_DEPTH = 32;

/**
 * What a page of referrers of 4 MiB, the longest document that we read, comes to. Without this bound
 * it could also be over a million empty objects, which take a hundred times the memory of their text.
 */
export const MAX_JSON_VALUES = 100_000;

/**
 * Parses one JSON document. Objects come back without a prototype, so that no member name is
 * special. On top of JSON's own rules this refuses duplicate member names (an attacker shows one
 * value to us and another to the next reader), a byte order mark, invalid UTF-8, lone surrogates,
 * numbers too large to hold, and anything after the document. Shape is for the caller to check.
 * Throws `options.code`.
 */
export function parseStrictJson(
  document: Uint8Array | string,
  options: StrictJsonOptions,
): unknown {
  const bytes = typeof document === 'string' ? Buffer.byteLength(document) : document.length;
  if (bytes > options.maxBytes) {
    throw refuse(options, `expected at most ${options.maxBytes} bytes, found ${bytes}`);
  }
  const text = typeof document === 'string' ? document : decodeUtf8(document, options);
  return new JsonReader(text, options).readDocument();
}

function decodeUtf8(bytes: Uint8Array, options: StrictJsonOptions): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw refuse(options, 'expected UTF-8', cause);
  }
}

function refuse(options: StrictJsonOptions, fault: string, cause?: unknown): AgentError {
  options.places?.end(fault);
  return new AgentError(options.code, `${options.what}: ${fault}`, { cause });
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
// eslint-disable-next-line no-control-regex -- what a string must not hold
const PLAIN_STRING = /"[^"\\\u0000-\u001f]*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERAL = /true|false|null/y;
const LITERALS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/** The place that has been read up to, in one document. */
class JsonReader {
  readonly #text: string;
  readonly #options: StrictJsonOptions;
  readonly #maxDepth: number;
  readonly #maxValues: number;
  #at = 0;
  #values = 0;

  constructor(text: string, options: StrictJsonOptions) {
    this.#text = text;
    this.#options = options;
    this.#maxDepth = options.maxDepth ?? MAX_JSON_DEPTH;
    this.#maxValues = options.maxValues ?? MAX_JSON_VALUES;
    options.places?.begin(text);
  }

  readDocument(): unknown {
    const value = this.#readValue(0);
    if (this.#next() !== undefined) throw this.#unexpected('the end of the document');
    return value;
  }

  #readValue(depth: number): unknown {
    if (++this.#values > this.#maxValues) {
      throw this.#invalid(`expected at most ${this.#maxValues} values`);
    }
    switch (this.#next()) {
      case '{':
        return this.#readObject(this.#deeper(depth));
      case '[':
        return this.#readArray(this.#deeper(depth));
      case '"':
        return this.#readString();
      case undefined:
        throw this.#unexpected('a value');
      default:
        return this.#readScalar();
    }
  }

  #readObject(depth: number): Readonly<Record<string, unknown>> {
    const object = Object.create(null) as Record<string, unknown>;
    this.#at++;
    if (this.#accept('}')) return object;
    do {
      if (this.#next() !== '"') throw this.#unexpected('a member name');
      const start = this.#at;
      const name = this.#readString();
      if (name in object)
        throw this.#invalid(`expected each member once, found ${show(name)} twice`);
      this.#options.places?.note(object, name, start);
      if (!this.#accept(':')) throw this.#unexpected('":"');
      object[name] = this.#readValue(depth);
    } while (this.#accept(','));
    if (!this.#accept('}')) throw this.#unexpected('"," or "}"');
    return object;
  }

  #readArray(depth: number): readonly unknown[] {
    const items: unknown[] = [];
    this.#at++;
    if (this.#accept(']')) return items;
    do {
      this.#next();
      this.#options.places?.note(items, items.length, this.#at);
      items.push(this.#readValue(depth));
    } while (this.#accept(','));
    if (!this.#accept(']')) throw this.#unexpected('"," or "]"');
    return items;
  }

  #readString(): string {
    // Envelopes are mostly long texts without any escape; the loop below takes several times as long.
    const plain = this.#match(PLAIN_STRING);
    if (plain !== '') return this.#unescape(plain, false);
    const start = this.#at;
    let escaped = false;
    for (let at = start + 1; at < this.#text.length; at++) {
      const unit = this.#text.charCodeAt(at);
      if (unit === QUOTE) {
        this.#at = at + 1;
        return this.#unescape(this.#text.slice(start, this.#at), escaped);
      }
      if (unit < 0x20) break;
      if (unit === BACKSLASH) {
        escaped = true;
        at++;
      }
    }
    throw this.#invalid('expected a string to be closed and without control characters');
  }

  #unescape(literal: string, escaped: boolean): string {
    let text: unknown = literal.slice(1, -1);
    try {
      if (escaped) text = JSON.parse(literal);
    } catch {
      throw this.#invalid('expected escapes that JSON has'); // SyntaxError says nothing more
    }
    if (typeof text !== 'string' || !text.isWellFormed()) {
      throw this.#invalid('expected surrogates in pairs');
    }
    return text;
  }

  #readScalar(): unknown {
    const literal = LITERALS.get(this.#match(LITERAL));
    if (literal !== undefined) return literal;
    const digits = this.#match(NUMBER);
    if (digits === '') throw this.#unexpected('a value');
    const number = Number(digits);
    if (!Number.isFinite(number)) throw this.#invalid('expected a number that can be held');
    return number;
  }

  #deeper(depth: number): number {
    if (depth < this.#maxDepth) return depth + 1;
    throw this.#invalid(`expected at most ${this.#maxDepth} levels`);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #accept(character: string): boolean {
    if (this.#next() !== character) return false;
    this.#at++;
    return true;
  }

  /** The next character that is not white space, without consuming it. */
  #next(): string | undefined {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? '\0')) this.#at++;
    return this.#text[this.#at];
  }

  #unexpected(expected: string): AgentError {
    const found = this.#text[this.#at];
    return this.#invalid(
      `expected ${expected}, found ${found === undefined ? 'the end' : show(found)}`,
    );
  }

  #invalid(fault: string): AgentError {
    this.#options.places?.end(fault, this.#at);
    return new AgentError(
      this.#options.code,
      `${this.#options.what}: ${fault} (at character ${this.#at})`,
    );
  }
}
