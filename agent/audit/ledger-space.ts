// How much room the ledger takes, and the small steps by which old rows are removed and their room given back.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { guard, inTransaction } from './database.ts';

/** In bytes. */
export interface Space {
  /** Of the file, without the changes that SQLite has yet to move into it. */
  readonly file: number;
  /** What of the file holds nothing. */
  readonly free: number;
}

const IS_GONE = `NOT EXISTS (SELECT 1 FROM image_names AS own
    WHERE own.digest = old.digest AND own.repository = old.repository)
  AND NOT EXISTS (SELECT 1 FROM containers AS own WHERE own.digest = old.digest)`;

/**
 * What is kept of an image, and since when it is of no use unless the image is here. Images come
 * last: names refer to them.
 */
const OF_IMAGES: readonly (readonly [table: string, isOld: string, key?: string])[] = [
  ['pulls', 'old.open = 0 AND coalesce(old.judged_us, old.ended_us, old.due_us) < ?1 * 1000', 'id'],
  ['verdicts', 'unixepoch(old.time) * 1000 < ?1'],
  ['conclusions', 'old.time_ms < ?1'],
  [
    'disagreements',
    `NOT EXISTS (SELECT 1 FROM conclusions AS last
      WHERE last.digest = old.digest AND last.repository = old.repository)`,
  ],
  ['handlings', 'old.time_ms < ?1'],
  ['standings', 'old.last_ms < ?1'],
  ['reverifications', 'old.due_ms < ?1'],
  ['images', 'old.last_seen_ms < ?1'],
];

/** Each step is one short transaction; every method throws `ledger_failed`. */
export class LedgerSpace {
  readonly #database: DatabaseSync;
  readonly #byAge: StatementSync;
  readonly #oldest: StatementSync;
  readonly #pages: StatementSync;
  readonly #ofImages: ReadonlyMap<string, StatementSync>;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#byAge = database.prepare(
      `DELETE FROM history WHERE id IN
        (SELECT id FROM history WHERE time_ms < ? ORDER BY time_ms LIMIT ?)`,
    );
    this.#oldest = database.prepare(
      'DELETE FROM history WHERE id IN (SELECT id FROM history ORDER BY id LIMIT ?)',
    );
    this.#pages = database.prepare(
      `SELECT page_count AS count, freelist_count AS free, page_size AS size
       FROM pragma_page_count, pragma_freelist_count, pragma_page_size`,
    );
    this.#ofImages = new Map(
      OF_IMAGES.map(([table, isOld, key = 'repository, digest']) => [
        table,
        database.prepare(
          `DELETE FROM ${table} AS old WHERE (${key}) IN
            (SELECT ${key} FROM ${table} AS old WHERE ${isOld} AND ${IS_GONE} LIMIT ?2)
            AND ${isOld}`,
        ),
      ]),
    );
  }

  space(): Space {
    return guard('read the size of the ledger', () => {
      const { count, free, size } = this.#pages.get() as Record<'count' | 'free' | 'size', number>;
      return { file: count * size, free: free * size };
    });
  }

  /** Removes at most `limit` lines of the audit trail from before `before`. Returns how many. */
  removeOlder(before: Date, limit: number): number {
    return this.#remove('remove old lines', () => this.#byAge.run(before.getTime(), limit).changes);
  }

  /** Removes the `limit` oldest lines of the audit trail. Returns how many there were. */
  removeOldest(limit: number): number {
    return this.#remove('remove the oldest lines', () => this.#oldest.run(limit).changes);
  }

  /** The tables with rows on images, in the order in which they are to be cleared of those that are gone. */
  get tablesOfImages(): readonly string[] {
    return [...this.#ofImages.keys()];
  }

  /**
   * Removes at most `limit` rows on images that are gone and of which nothing was heard since
   * `before`. Totals stay. Returns how many.
   */
  removeGone(table: string, before: Date, limit: number): number {
    return this.#remove('remove images that are gone', () => {
      return this.#ofImages.get(table)?.run(before.getTime(), limit).changes ?? 0;
    });
  }

  /** Gives at most `bytes` of what is free back to the file system. */
  giveBack(bytes: number): void {
    guard('give room back', () => {
      const { size } = this.#pages.get() as { readonly size: number };
      this.#database.exec(`PRAGMA incremental_vacuum(${Math.max(1, Math.floor(bytes / size))})`);
    });
  }

  #remove(attempt: string, work: () => number | bigint): number {
    return guard(attempt, () => inTransaction(this.#database, () => Number(work())));
  }
}
