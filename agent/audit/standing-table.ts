// Ledger table of standings: since when the verdicts on an image come to the same.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { ImageKey } from './image-key.ts';
import { outcomeOf, type RecordedVerdict } from './image-state.ts';

/** A verdict that is older than the last one noted, of an entry read late, changes nothing. */
const NOTE = `INSERT INTO standings VALUES (?1, ?2, ?3, ?4, ?4)
  ON CONFLICT DO UPDATE SET outcome = ?3, last_ms = ?4,
    since_ms = iif(outcome = ?3, min(since_ms, ?4), ?4)
  WHERE ?4 >= last_ms`;

export class StandingTable {
  readonly #note: StatementSync;
  readonly #prune: StatementSync;

  constructor(database: DatabaseSync) {
    this.#note = database.prepare(NOTE);
    this.#prune = database.prepare(
      `DELETE FROM standings WHERE NOT EXISTS (SELECT 1 FROM verdicts AS own
         WHERE own.repository = standings.repository AND own.digest = standings.digest)`,
    );
  }

  /** Notes a verdict. One by which nobody looked, as by break-glass, is none. */
  note({ repository, digest }: ImageKey, verdict: RecordedVerdict): void {
    if (verdict.mode === 'break_glass') return;
    this.#note.run(repository, digest, outcomeOf(verdict), Date.parse(verdict.time));
  }

  /** Drops those of images that have no verdict any more. */
  prune(): void {
    this.#prune.run();
  }
}
