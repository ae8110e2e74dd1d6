// Where a setting can be written: the ways to change the configuration files, from the least intrusive on.
import { basename, dirname, isAbsolute, join, normalize } from 'node:path';
import { AgentError } from '../../../errors.ts';
import { type ConfigFile, matchesGlob } from '../config-files.ts';
import { IMAGES_PLUGIN } from '../pull-settings.ts';
import type { Setting } from './setting.ts';
import {
  countTables,
  encodePath,
  encodeValue,
  rawValueAt,
  setRawValue,
  setValue,
} from './toml-edit.ts';

/** The root file and what it imports, as they stand. */
export interface RootFile {
  readonly path: string;
  /** Null when there is none. */
  readonly text: string | null;
  /** What it states; null when it states none. */
  readonly version: number | null;
  /** The newest that this containerd knows. */
  readonly newestVersion: number;
  readonly imports: readonly string[];
  /** Every file that containerd loads. */
  readonly files: readonly ConfigFile[];
  /** What is at `dropInPaths` already, by its path. */
  readonly dropIns: ReadonlyMap<string, string>;
}

/** What was written to one file for one setting, so that it can be taken out again. */
export interface WrittenSetting {
  readonly path: readonly string[];
  /** As TOML. */
  readonly raw: string;
  /** What stood there before, as TOML; null for nothing. */
  readonly before: string | null;
  /** The table that holds it was not there before. */
  readonly isTableOurs: boolean;
}

/** One way to change the configuration: one file, and how to have containerd judge it beforehand. */
export interface Proposal {
  readonly path: string;
  /** Null when there is no such file yet. */
  readonly before: string | null;
  readonly after: string;
  readonly written: readonly WrittenSetting[];
  /**
   * A root file that comes to the same while the changed one is still at `stagedPath`. It is to be
   * written beside the root file, because imports are relative to where it stands.
   */
  readonly stagedRoot: string;
  readonly stagedPath: string;
}

/** Sorts behind what others name theirs. */
export const DROP_IN_NAME = 'zz-nodeseal.toml';

/** Where a file is while containerd judges it: no import takes it for one of its own. */
export function stagedPathOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.nodeseal-staged`);
}

/** Up to version 2 one plugin held everything of CRI, some of it one table further down. */
const CRI_PLUGIN = 'io.containerd.grpc.v1.cri';
const BELOW_CONTAINERD = new Set(['disable_snapshot_annotations', 'discard_unpacked_layers']);
/** Came after version 2: it has no other name. */
const NEW_KEYS = new Set(['use_local_image_pull']);

/**
 * Every way, in the order to try them: a drop-in where the root file imports a whole folder, by the names
 * of the root file's version, then by those of today (from 2.3 on each file is migrated by itself); then
 * the root file itself. Throws `containerd_change_refused` when the last cannot be had and there is no other.
 */
export function proposeChanges(root: RootFile, settings: readonly Setting[]): readonly Proposal[] {
  if (root.text === null) return [newRoot(root, settings)];
  const dropIns = dropInPaths(root).flatMap((path) => {
    return (isOld(root.version) ? [2, 3] : [3]).map((names) => dropIn(root, path, settings, names));
  });
  return dropIns.length > 0
    ? [...dropIns, ...attempt(() => editedRoot(root, settings))]
    : [editedRoot(root, settings)];
}

function attempt(propose: () => Proposal): readonly Proposal[] {
  try {
    return [propose()];
  } catch (error) {
    if (error instanceof AgentError) return [];
    throw error;
  }
}

const HEADER = [
  '# Written by nodeseal install --configure-containerd, so that containerd asks image verifiers.',
  '# nodeseal uninstall takes it away again.',
];

function newRoot({ path, newestVersion }: RootFile, settings: readonly Setting[]): Proposal {
  const { text: after, written } = fresh(newestVersion, settings);
  return { path, before: null, after, written, stagedRoot: after, stagedPath: stagedPathOf(path) };
}

function dropIn(
  root: RootFile,
  path: string,
  settings: readonly Setting[],
  names: number,
): Proposal {
  const before = root.dropIns.get(path) ?? null;
  const named = settings.map(({ path: wanted, value }) => ({ path: nameIn(names, wanted), value }));
  const { text: after, written } =
    before === null ? fresh(root.version, named) : edited(before, named);
  // Beside the root file: the folder itself may not be there yet.
  const stagedPath = stagedPathOf(join(dirname(root.path), DROP_IN_NAME));
  const stagedRoot = setValue(root.text ?? '', ['imports'], stagedImports(root, path, stagedPath));
  return { path, before, after, written, stagedRoot, stagedPath };
}

interface Edited {
  readonly text: string;
  readonly written: readonly WrittenSetting[];
}

/** A file with nothing but the settings. */
function fresh(version: number | null, settings: readonly Setting[]): Edited {
  const tables = Map.groupBy(settings, ({ path }) => encodePath(path.slice(0, -1)));
  const lines = [...tables].flatMap(([table, own]) => [
    '',
    `[${table}]`,
    ...own.map(({ path, value }) => `  ${encodePath(path.slice(-1))} = ${encodeValue(value)}`),
  ]);
  const head = version === null ? HEADER : [...HEADER, `version = ${version}`];
  const written = settings.map(({ path, value }) => {
    return { path, raw: encodeValue(value), before: null, isTableOurs: true };
  });
  return { text: `${[...head, ...lines].join('\n')}\n`, written };
}

/** Throws `containerd_change_refused`. */
function edited(text: string, settings: readonly Setting[]): Edited {
  const written: WrittenSetting[] = [];
  let now = text;
  for (const { path, value } of settings) {
    const raw = encodeValue(value);
    const changed = setRawValue(now, path, raw);
    const isTableOurs = countTables(changed) > countTables(now);
    written.push({ path, raw, before: rawValueAt(now, path), isTableOurs });
    now = changed;
  }
  return { text: now, written };
}

/**
 * Where a drop-in of ours may be: in each folder that is imported whole, the last first, because it
 * overrides the others.
 */
export function dropInPaths({
  path,
  imports,
}: Pick<RootFile, 'path' | 'imports'>): readonly string[] {
  const isFolder = (pattern: string): boolean => {
    const [folder, name] = [dirname(pattern), basename(pattern)];
    // Go's other special characters, and a star for folders, are not looked into.
    if (/[*?[\]\\]/.test(folder) || /[?[\]\\]/.test(name)) return false;
    return (
      matchesGlob(name, DROP_IN_NAME) && !matchesGlob(name, basename(stagedPathOf(DROP_IN_NAME)))
    );
  };
  return imports
    .filter((pattern) => pattern.includes('*') && isFolder(pattern))
    .map((pattern) => join(dirname(absolute(path, pattern)), DROP_IN_NAME))
    .reverse();
}

/** The imports with the one that takes the drop-in written out, so that the staged one stands where it will. */
function stagedImports(root: RootFile, path: string, stagedPath: string): readonly string[] {
  return root.imports.flatMap((pattern) => {
    const full = absolute(root.path, pattern);
    if (!pattern.includes('*') || dirname(full) !== dirname(path)) return [pattern];
    if (!matchesGlob(basename(full), basename(path))) return [pattern];
    const others = root.files
      .map((file) => file.path)
      .filter((one) => dirname(one) === dirname(full) && matchesGlob(basename(full), basename(one)))
      .filter((one) => one !== path);
    const sorted = [...others, path].sort();
    return sorted.map((one) => (one === path ? stagedPath : one));
  });
}

function absolute(rootPath: string, pattern: string): string {
  return isAbsolute(pattern) ? normalize(pattern) : join(dirname(rootPath), pattern);
}

function editedRoot(root: RootFile, settings: readonly Setting[]): Proposal {
  const before = root.text ?? '';
  const placed = settings.map(({ path, value }) => {
    return { path: placeIn(before, root.version, path), value };
  });
  const { text: after, written } = edited(before, placed);
  const stagedPath = stagedPathOf(root.path);
  return { path: root.path, before, after, written, stagedRoot: after, stagedPath };
}

/** Where the setting stands already, by its old name or by today's; else by the name of the file's version. */
function placeIn(text: string, version: number | null, path: readonly string[]): readonly string[] {
  const old = nameIn(2, path);
  if (isOld(version) && rawValueAt(text, old) !== null) return old;
  if (rawValueAt(text, path) !== null) return path;
  return isOld(version) ? old : path;
}

/** containerd takes a file that states no version for one of version 1. */
function isOld(version: number | null): boolean {
  return (version ?? 1) <= 2;
}

/** What a setting of a dump is called in a file whose names are of a version. */
function nameIn(version: number, path: readonly string[]): readonly string[] {
  const [plugins = '', plugin, ...rest] = path;
  const key = rest[0] ?? '';
  if (version > 2 || plugin !== IMAGES_PLUGIN || NEW_KEYS.has(key)) return path;
  const below = BELOW_CONTAINERD.has(key) ? ['containerd'] : [];
  return [plugins, CRI_PLUGIN, ...below, ...rest];
}
