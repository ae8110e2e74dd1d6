// Opens the SQLite file behind the ledger; every fault of it is a `ledger_failed` that says what to do.
import { DatabaseSync } from 'node:sqlite';
import { AgentError } from '../errors.ts';
import { APPLICATION_ID, MIGRATIONS } from './schema.ts';

export interface OpenOptions {
  /** For commands beside a running agent. Default false. */
  readonly readOnly?: boolean;
}

/** Enough for one transaction; SQLite's own default is four times as much, which an idle agent keeps. */
const CACHE_KIB = 512;

/** SQLite keeps the file of changes as large as it ever was, unless told. */
const MAX_IDLE_WAL_BYTES = 4 * 1024 * 1024;

/** SQLite's number for it. */
const INCREMENTAL = 2;

/** `nodeseal images` may read while the agent writes; neither holds the file for long. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * Opens or creates the database at `path` (`:memory:` for one that is forgotten) and brings its
 * schema up to date. Throws `ledger_failed`: it cannot be opened, is damaged, belongs to another
 * program or was written by a newer version.
 */
export function openDatabase(path: string, { readOnly = false }: OpenOptions = {}): DatabaseSync {
  return guard(`open ${path}`, () => {
    const database = new DatabaseSync(path, { readOnly, timeout: BUSY_TIMEOUT_MS });
    try {
      database.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
      prepare(database, path, readOnly);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function prepare(database: DatabaseSync, path: string, readOnly: boolean): void {
  assertSound(database, path);
  const version = pragma(database, 'user_version');
  const isEmpty = pragma(database, 'schema_version') === 0;
  if (!isEmpty && pragma(database, 'application_id') !== APPLICATION_ID) {
    throw failed(`${path}: expected a ledger of nodeseal, found a database of another program`);
  }
  if (version > MIGRATIONS.length) {
    throw failed(
      `${path}: expected schema version ${MIGRATIONS.length} or older, found ${version}; run the newer nodeseal that wrote it, or move it away`,
    );
  }
  if (readOnly) {
    if (version < MIGRATIONS.length) {
      throw failed(
        `${path}: expected schema version ${MIGRATIONS.length}, found ${version}; the agent brings it up to date when it starts`,
      );
    }
    return;
  }
  // WAL: readers do not block the agent. NORMAL may lose the last transactions in a power cut, never
  // part of one: cursor and effects go together, so the journal is simply read again from there.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  database.exec(`PRAGMA journal_size_limit = ${MAX_IDLE_WAL_BYTES}`);
  migrate(database, version);
  shrinkable(database);
}

function assertSound(database: DatabaseSync, path: string): void {
  const [row] = database.prepare('PRAGMA quick_check(1)').all();
  const found = String(row?.['quick_check']);
  if (found !== 'ok') throw failed(`${path} is damaged (${found}); ${REMEDY}`);
}

function migrate(database: DatabaseSync, version: number): void {
  if (version === MIGRATIONS.length) return;
  inTransaction(database, () => {
    for (const script of MIGRATIONS.slice(version)) database.exec(script);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}

/**
 * Lets room be given back in small steps. Ledgers of older versions are rewritten for it, once; they
 * are small.
 */
function shrinkable(database: DatabaseSync): void {
  if (pragma(database, 'auto_vacuum') === INCREMENTAL) return;
  database.exec(`PRAGMA auto_vacuum = ${INCREMENTAL}; VACUUM`);
}

function pragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** Runs `work` as one transaction: all of it is in the ledger afterwards, or nothing. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  // IMMEDIATE takes the write lock now, within the busy timeout; a later upgrade could not wait.
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk may have rolled back already, and then there is no transaction to end.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** Runs `work`, which only reads, on the ledger as it is at one moment. */
export function atOneMoment<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN');
  try {
    return work();
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK');
  }
}

const REMEDY =
  'move it away with its -wal and -shm files: a new ledger is built from the journal and the images on the node, totals start again';
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** Turns what SQLite throws into `ledger_failed`, naming what was attempted. */
export function guard<T>(attempt: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    const { errcode, message } = cause as { errcode?: number; message: string };
    if (errcode === undefined) throw cause;
    const damaged = (errcode & 0xff) === SQLITE_CORRUPT || (errcode & 0xff) === SQLITE_NOTADB;
    const advice = damaged ? `; ${REMEDY}` : '';
    throw failed(`could not ${attempt}: ${message}${advice}`, cause);
  }
}

function failed(message: string, cause?: unknown): AgentError {
  return new AgentError('ledger_failed', `ledger: ${message}`, { cause });
}
