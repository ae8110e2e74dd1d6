// The configuration files of containerd as they stand on the host: the root file and what it imports.
import { basename, dirname, isAbsolute, join, normalize } from 'node:path';
import { AgentError } from '../../errors.ts';
import type { HostReader } from './host-reader.ts';
import { MAX_TOML_BYTES, parseToml, TomlSection } from './toml.ts';

/** One file. Only what says how the files belong together is read; its settings are in the dump. */
export interface ConfigFile {
  readonly path: string;
  /** Null when it states none, which containerd takes for 1. */
  readonly version: number | null;
  readonly imports: readonly string[];
  readonly changedAt: Date;
}

/** What was found. */
export interface ConfigFiles {
  /** In the order in which containerd loads them, the root file first; empty when there is none. */
  readonly files: readonly ConfigFile[];
  /** Imported by name, but absent: containerd would not start again. */
  readonly absentImports: readonly string[];
  /** In `CONF_D`, but not imported, so that containerd does not read them. */
  readonly orphanDropIns: readonly string[];
}

/** Where containerd 2.2 and later propose drop-ins, which they read only if the root file imports them. */
export const CONF_D = '/etc/containerd/conf.d';

/** Far more drop-ins than any node has. */
export const MAX_CONFIG_FILES = 256;

/**
 * Reads the root file and its imports, theirs too, each once: a name with `*` stands for what matches
 * it, any other for itself, both relative to the file that imports it. Throws
 * `containerd_config_unreadable` and `containerd_config_invalid`.
 */
export async function readConfigFiles(host: HostReader, rootPath: string): Promise<ConfigFiles> {
  const files = new Map<string, ConfigFile>();
  const absentImports: string[] = [];
  const pending = [rootPath];
  for (let path = pending.shift(); path !== undefined; path = pending.shift()) {
    if (files.has(path)) continue;
    if (files.size >= MAX_CONFIG_FILES) {
      throw unreadable(path, `expected at most ${MAX_CONFIG_FILES} files with their imports`);
    }
    const file = await readConfigFile(host, path);
    if (file === null) {
      if (path !== rootPath) absentImports.push(path);
      continue;
    }
    files.set(path, file);
    for (const pattern of file.imports) pending.push(...(await resolveImport(host, path, pattern)));
  }
  const dropIns = await resolveImport(host, rootPath, `${CONF_D}/*.toml`);
  const orphanDropIns = dropIns.filter((path) => !files.has(path));
  return { files: [...files.values()], absentImports, orphanDropIns };
}

async function readConfigFile(host: HostReader, path: string): Promise<ConfigFile | null> {
  const [entry, bytes] = await reading(path, async () => [
    await host.stat(path),
    await host.read(path, MAX_TOML_BYTES),
  ]);
  if (entry === null || bytes === null) return null;
  // containerd would wait for whoever writes into a pipe.
  if (entry.kind !== 'file') throw unreadable(path, 'expected a file');
  const what = `containerd configuration ${path}`;
  const section = new TomlSection(parseToml(bytes, what), '', what);
  return {
    path,
    version: section.has('version') ? section.number('version', 0) : null,
    imports: section.texts('imports'),
    changedAt: entry.changedAt,
  };
}

/** Go's filepath.Glob with a star in the last part of the path; one further up is rare, and found out by the dump alone. */
async function resolveImport(
  host: HostReader,
  importer: string,
  pattern: string,
): Promise<readonly string[]> {
  const path = isAbsolute(pattern) ? normalize(pattern) : join(dirname(importer), pattern);
  if (!path.includes('*')) return [path];
  const directory = dirname(path);
  if (directory.includes('*')) return [];
  const names = (await reading(directory, () => host.list(directory))) ?? [];
  return names
    .filter((name) => matchesGlob(basename(path), name))
    .sort()
    .map((name) => join(directory, name));
}

/**
 * Whether a name matches a pattern of an import, both without a path. Only the star is special, and no
 * pattern takes exponential time.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  const [first = '', ...parts] = pattern.split('*');
  const last = parts.pop();
  if (last === undefined) return pattern === name;
  if (name.length < first.length + last.length) return false;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= name.length - last.length;
}

async function reading<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw unreadable(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function unreadable(path: string, reason: string, cause?: unknown): AgentError {
  const fault = `containerd configuration ${path}: could not be read: ${reason}`;
  return new AgentError('containerd_config_unreadable', fault, { cause });
}
