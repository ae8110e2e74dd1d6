// Parsed TOML compared, and with one value changed.
import { isDeepStrictEqual } from 'node:util';
import type { TomlTable, TomlValue } from 'smol-toml';

/** Whether both hold the same; the order of keys does not count. */
export function isSameTable(a: TomlTable, b: TomlTable): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

/** The table with another value at a path, or without one for undefined. */
export function withValue(
  table: TomlTable,
  path: readonly string[],
  value: TomlValue | undefined,
): TomlTable {
  const [key = '', ...rest] = path;
  const inner = Object.hasOwn(table, key) ? table[key] : undefined;
  const next = rest.length === 0 ? value : withValue(isTable(inner) ? inner : {}, rest, value);
  const others = Object.entries(table).filter(([other]) => other !== key);
  return Object.fromEntries(next === undefined ? others : [...others, [key, next]]);
}

/** The table without tables that hold nothing. */
export function withoutEmpty(table: TomlTable): TomlTable {
  const entries = Object.entries(table).map(
    ([key, value]) => [key, isTable(value) ? withoutEmpty(value) : value] as const,
  );
  const isEmpty = (value: TomlValue) => isTable(value) && Object.keys(value).length === 0;
  return Object.fromEntries(entries.filter(([, value]) => !isEmpty(value)));
}

/** The parser's tables have no prototype, and ours have: that is no difference. */
function plain(value: TomlValue): TomlValue {
  if (Array.isArray(value)) return value.map(plain);
  if (!isTable(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function isTable(value: TomlValue | undefined): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}
