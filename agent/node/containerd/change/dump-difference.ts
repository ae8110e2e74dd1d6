// Whether a changed configuration comes to what was wanted, and to nothing else: one dump against another.
import type { TomlTable } from 'smol-toml';
import { AgentError } from '../../../errors.ts';
import { show } from '../../../oci/show.ts';
import { encodePath } from './toml-edit.ts';
import type { Setting } from './setting.ts';

/** Says which files there are, and not what is in force. */
const IGNORED = 'imports';

/** A message names this many of the differences. */
const MAX_NAMED = 3;

/**
 * Throws `containerd_change_refused` unless `after` is `before` with the settings. Containerd's own dump
 * is the judge, whatever it makes of versions, imports and their order.
 */
export function assertOnlyChanges(
  before: TomlTable,
  after: TomlTable,
  settings: readonly Setting[],
): void {
  const expected = flatten(before);
  for (const { path, value } of settings) expected.set(JSON.stringify(path), JSON.stringify(value));
  const found = flatten(after);
  const keys = new Set([...expected.keys(), ...found.keys()]);
  const wrong = [...keys].filter((key) => expected.get(key) !== found.get(key));
  if (wrong.length === 0) return;
  const faults = wrong.slice(0, MAX_NAMED).map((key) => {
    const name = encodePath(JSON.parse(key) as string[]);
    return `${name}: expected ${show(expected.get(key))}, found ${show(found.get(key))}`;
  });
  const more = wrong.length > MAX_NAMED ? [`${wrong.length - MAX_NAMED} more`] : [];
  throw new AgentError(
    'containerd_change_refused',
    `containerd config dump of the changed configuration: ${[...faults, ...more].join('; ')}`,
  );
}

/** Every value that is no table, by its path, both as JSON. */
function flatten(table: TomlTable): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (value: unknown, path: readonly string[]): void => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
      return;
    }
    const text = JSON.stringify(value, (_, one: unknown) =>
      typeof one === 'bigint' ? String(one) : one,
    );
    found.set(JSON.stringify(path), text);
  };
  for (const [key, value] of Object.entries(table)) if (key !== IGNORED) walk(value, [key]);
  return found;
}
