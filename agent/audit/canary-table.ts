// Ledger table of canaries: what the journal tells of them is not counted, also by the agent that
// comes after one that was killed.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { guard, inTransaction } from './database.ts';

/** Throws `ledger_failed`, as everything of the ledger. */
export class CanaryTable {
  readonly #database: DatabaseSync;
  readonly #add: StatementSync;
  readonly #prune: StatementSync;
  readonly #all: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#add = database.prepare(
      'INSERT OR REPLACE INTO canaries SELECT ?, coalesce(max(run), 0) + ? FROM canaries',
    );
    this.#prune = database.prepare(
      'DELETE FROM canaries WHERE run <= (SELECT max(run) FROM canaries) - ?',
    );
    this.#all = database.prepare('SELECT run, digest FROM canaries ORDER BY run');
  }

  /** Records the digests of one run, and forgets all but the last `runs` of them. */
  remember(digests: readonly string[], runs: number): void {
    guard('record a canary', () => {
      inTransaction(this.#database, () => {
        digests.forEach((digest, index) => this.#add.run(digest, index === 0 ? 1 : 0));
        this.#prune.run(runs);
      });
    });
  }

  /** The digests of each run, in order. */
  recall(): readonly (readonly string[])[] {
    return guard('read the canaries', () => {
      const runs = Map.groupBy(this.#all.all(), ({ run }) => run);
      return [...runs.values()].map((rows) => rows.map(({ digest }) => String(digest)));
    });
  }
}
