// The record of what was installed on the host, kept there, so that uninstalling removes exactly that.
import { AgentError } from '../../errors.ts';
import { show } from '../../oci/show.ts';
import type { Attributes } from './host-fs.ts';

/** What nodeseal wrote. It is written before the files it names, so a killed run leaves none unnamed. */
export interface Manifest {
  /** By path: the SHA-256 of each content that this path was given; two of them while it changes. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  /** Directories that were not there before. */
  readonly directories: readonly string[];
  /** By path: what stood there before ours, and is kept aside. */
  readonly originals: ReadonlyMap<string, Original>;
}

/** A file of somebody else's. */
export interface Original extends Attributes {
  readonly sha256: string;
}

export const EMPTY_MANIFEST: Manifest = {
  files: new Map(),
  directories: [],
  originals: new Map(),
};

/** A host holds a few hundred certificates at most; a longer file is not ours. */
export const MAX_MANIFEST_BYTES = 1024 * 1024;

const VERSION = 1;

/** The same manifest always gives the same bytes. */
export function encodeManifest({ files, directories, originals }: Manifest): Uint8Array {
  const document = {
    version: VERSION,
    files: [...files]
      .map(([path, sha256]) => ({ path, sha256: [...sha256].sort() }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
    directories: [...directories].sort(),
    originals: [...originals]
      .map(([path, { sha256, mode, uid, gid }]) => ({ path, sha256, mode, uid, gid }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
  };
  return Buffer.from(`${JSON.stringify(document, null, 2)}\n`);
}

/**
 * Parses a manifest, or throws `host_write_failed`. `isOurs` says which files may stand in it: a
 * manifest that somebody changed must not make us remove a file of the host.
 */
export function parseManifest(bytes: Uint8Array, isOurs: (path: string) => boolean): Manifest {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw malformed('UTF-8 JSON', String(cause));
  }
  if (!isRecord(document) || document['version'] !== VERSION) {
    throw malformed(`"version": ${VERSION}`, isRecord(document) ? document['version'] : document);
  }
  // Records of before originals were kept have none.
  const { files, directories, originals = [] } = document;
  if (!Array.isArray(files)) throw malformed('"files": a list', files);
  if (!Array.isArray(directories) || !directories.every(isPlainPath)) {
    throw malformed('"directories": a list of absolute paths', directories);
  }
  if (!Array.isArray(originals)) throw malformed('"originals": a list', originals);
  return {
    files: new Map(files.map((file) => parseFile(file, isOurs))),
    directories,
    originals: new Map(originals.map((original) => parseOriginal(original, isOurs))),
  };
}

function parseFile(
  file: unknown,
  isOurs: (path: string) => boolean,
): readonly [string, readonly string[]] {
  if (!isRecord(file)) throw malformed('an object for each file', file);
  const { path, sha256 } = file;
  if (!isPlainPath(path) || !isOurs(path)) throw malformed('a path that is ours', path);
  if (!Array.isArray(sha256) || sha256.length === 0 || !sha256.every(isSha256)) {
    throw malformed(`"sha256" of ${path}: a list of SHA-256`, sha256);
  }
  return [path, sha256];
}

function parseOriginal(
  original: unknown,
  isOurs: (path: string) => boolean,
): readonly [string, Original] {
  if (!isRecord(original)) throw malformed('an object for each original', original);
  const { path, sha256, mode, uid, gid } = original;
  if (!isPlainPath(path) || !isOurs(path)) throw malformed('a path that is ours', path);
  if (!isSha256(sha256)) throw malformed(`"sha256" of the original of ${path}`, sha256);
  if (!isId(mode) || mode > 0o7777 || !isId(uid) || !isId(gid)) {
    throw malformed(`mode and owner of the original of ${path}`, original);
  }
  return [path, { sha256, mode, uid, gid }];
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}

function isPlainPath(value: unknown): value is string {
  if (typeof value !== 'string' || !value.startsWith('/') || value.includes('\0')) return false;
  return value
    .slice(1)
    .split('/')
    .every((name) => name !== '' && name !== '.' && name !== '..');
}

function isSha256(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(expected: string, found: unknown): AgentError {
  return new AgentError(
    'host_write_failed',
    `record of what is installed: expected ${expected}, found ${show(found)}`,
  );
}
