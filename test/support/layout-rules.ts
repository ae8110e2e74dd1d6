// The layout test's rules as functions of the source files, so that each can be seen to fail.
import { posix } from 'node:path';
import type { SourceFile } from './source-file.ts';

/**
 * From the bottom up: a part (a folder or a file) and the parts it may import, besides what those may
 * import themselves. A file belongs to the longest row that it is in.
 */
export type PartTable = readonly (readonly [part: string, ...mayImport: readonly string[]])[];

/** One sentence for each import that goes somewhere it must not. */
export function directionFaults(files: readonly SourceFile[], table: PartTable): string[] {
  const reachable = reachableParts(table);
  return files.flatMap(({ path, imports }) => {
    const from = partOf(path, table);
    if (from === undefined) return [`${path}: is in no part of the table`];
    return relativeTargets(path, imports).flatMap((target) => {
      const to = partOf(target, table);
      const isAllowed = to !== undefined && (to === from || reachable.get(from)?.has(to) === true);
      return isAllowed ? [] : [`${path}: ${from} must not import ${target}`];
    });
  });
}

/** The rows of the table that no file is in. */
export function emptyParts(files: readonly SourceFile[], table: PartTable): string[] {
  const used = new Set(files.map(({ path }) => partOf(path, table)));
  return table.map(([part]) => part).filter((part) => !used.has(part));
}

/** The first cycle of imports, types included, as the files on it; empty when there is none. */
export function importCycle(files: readonly SourceFile[]): readonly string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): readonly string[] => {
    const seenAt = trail.indexOf(path);
    if (seenAt >= 0) return [...trail.slice(seenAt), path];
    if (done.has(path)) return [];
    for (const target of relativeTargets(path, byPath.get(path)?.imports ?? [])) {
      const cycle = walk(target, [...trail, path]);
      if (cycle.length > 0) return cycle;
    }
    done.add(path);
    return [];
  };
  return files.map(({ path }) => walk(path, [])).find((cycle) => cycle.length > 0) ?? [];
}

/** Each file that touches the world, with the modules and names by which it does. */
export function worldlyFiles(
  files: readonly SourceFile[],
  pureModules: ReadonlySet<string>,
): Record<string, string> {
  const rows = files.map(({ path, imports, ambient }) => {
    const modules = imports
      .filter(({ specifier, isTypeOnly }) => !isTypeOnly && !isRelative(specifier))
      .map(({ specifier }) => specifier)
      .filter((specifier) => !pureModules.has(specifier));
    return [path, [...new Set([...modules.sort(), ...ambient])].join(', ')] as const;
  });
  return Object.fromEntries(rows.filter(([, uses]) => uses !== ''));
}

const MAX_LINES = 250;

/** What is wrong with the form of one file. */
export function formFaults({ path, firstLine, lineCount, hasDefaultExport }: SourceFile): string[] {
  const faults = {
    [`has ${lineCount} lines; ${MAX_LINES} is the ceiling: split it by noun`]:
      lineCount > MAX_LINES,
    'must begin with a // comment that says its responsibility': !/^\/\/ \S/.test(firstLine),
    'must export by name': hasDefaultExport,
    'must have a name in kebab-case':
      !/^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)*[a-z0-9]+(?:-[a-z0-9]+)*(?:\.d)?\.ts$/.test(path),
    'must be named by its noun': /(?:^|\/)(?:utils?|helpers?|common|misc)(?:\/|\.ts$)/.test(path),
  };
  return Object.entries(faults)
    .filter(([, isFault]) => isFault)
    .map(([fault]) => `${path}: ${fault}`);
}

function reachableParts(table: PartTable): ReadonlyMap<string, ReadonlySet<string>> {
  const reachable = new Map<string, Set<string>>();
  for (const [part, ...direct] of table) {
    const all = direct.flatMap((name) => {
      const beyond = reachable.get(name);
      // So that the table itself has no cycle.
      if (beyond === undefined)
        throw new TypeError(`${part}: names ${name}, which is not above it`);
      return [name, ...beyond];
    });
    reachable.set(part, new Set(all));
  }
  return reachable;
}

function partOf(path: string, table: PartTable): string | undefined {
  return table
    .map(([part]) => part)
    .filter((part) => path === part || path.startsWith(`${part}/`))
    .sort((a, b) => b.length - a.length)[0];
}

function relativeTargets(path: string, imports: SourceFile['imports']): string[] {
  return imports
    .filter(({ specifier }) => isRelative(specifier))
    .map(({ specifier }) => posix.join(posix.dirname(path), specifier));
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.');
}
