// TOML within bounds, and its values by key and kind, each mistake an AgentError that names the place.
import { parse, type TomlTable, type TomlValue } from 'smol-toml';
import { AgentError } from '../../errors.ts';
import { cut, show } from '../../oci/show.ts';

export type { TomlTable } from 'smol-toml';

/** Real dumps have 10 KB; registries listed by the hundred make 100. */
export const MAX_TOML_BYTES = 1024 * 1024;

/** Deeper than any configuration; the parser recurses. */
const MAX_DEPTH = 32;

/** The parser quotes the place in several lines. */
const MAX_REASON_CHARACTERS = 200;

/**
 * Parses a document; `what` names it in messages. Throws `containerd_config_invalid` for what is not
 * UTF-8 or not TOML, and `containerd_config_unreadable` for more than `MAX_TOML_BYTES`.
 */
export function parseToml(bytes: Uint8Array, what: string): TomlTable {
  if (bytes.length > MAX_TOML_BYTES) {
    const fault = `${what}: expected at most ${MAX_TOML_BYTES} bytes, found more`;
    throw new AgentError('containerd_config_unreadable', fault);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return parse(text, { integersAsBigInt: 'asNeeded', maxDepth: MAX_DEPTH });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.replace(/\s+/g, ' ').trim() : 'a fault';
    const fault = `${what}: expected TOML, found: ${cut(reason, MAX_REASON_CHARACTERS)}`;
    throw new AgentError('containerd_config_invalid', fault, { cause });
  }
}

/**
 * One table of a document and where it stands. A key that is absent gives the default; one whose
 * value is of another kind throws `containerd_config_invalid`.
 */
export class TomlSection {
  readonly #table: TomlTable;
  readonly #path: string;
  readonly #what: string;

  /** `what` names the document in messages, `path` the place in it. */
  constructor(table: TomlTable, path = '', what = 'containerd configuration') {
    this.#table = table;
    this.#path = path;
    this.#what = what;
  }

  /** The keys that have a value. */
  get keys(): readonly string[] {
    return Object.keys(this.#table);
  }

  /** The table under a key, empty when there is none. */
  section(key: string): TomlSection {
    const value = this.#read(key, 'a table', isTable) ?? {};
    return new TomlSection(value, this.#at(key), this.#what);
  }

  /** Whether there is anything under a key. */
  has(key: string): boolean {
    return Object.hasOwn(this.#table, key);
  }

  text(key: string, byDefault: string): string {
    return this.#read(key, 'a string', isText) ?? byDefault;
  }

  number(key: string, byDefault: number): number {
    const value = this.#read(key, 'a number', isNumber) ?? byDefault;
    // Beyond the safe integers it is still told from every limit that matters.
    return Number(value);
  }

  flag(key: string, byDefault: boolean): boolean {
    return this.#read(key, 'true or false', isFlag) ?? byDefault;
  }

  /** An array of strings, empty when there is none. */
  texts(key: string): readonly string[] {
    return this.#read(key, 'an array of strings', isTexts) ?? [];
  }

  #read<T extends TomlValue>(
    key: string,
    expected: string,
    is: (value: TomlValue) => value is T,
  ): T | undefined {
    const value = this.has(key) ? this.#table[key] : undefined;
    if (value === undefined || is(value)) return value;
    const fault = `${this.#at(key)}: expected ${expected}, found ${show(value)}`;
    throw new AgentError('containerd_config_invalid', `${this.#what}: ${fault}`);
  }

  #at(key: string): string {
    const shown = /^[\w-]+$/.test(key) ? key : show(key);
    return this.#path === '' ? shown : `${this.#path}.${shown}`;
  }
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}

const isText = (value: TomlValue): value is string => typeof value === 'string';
const isFlag = (value: TomlValue): value is boolean => typeof value === 'boolean';
const isNumber = (value: TomlValue): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';
const isTexts = (value: TomlValue): value is string[] =>
  Array.isArray(value) && value.every(isText);
