// Ledger table of gaps: spans of which the log can no longer tell, so that its silence proves nothing.
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** A span of time, both ends in it, milliseconds since 1970. */
export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A log that fails again and again must not fill the ledger: the two oldest become one that spans both. */
export const MAX_GAPS = 100;

export class GapTable {
  readonly #insert: StatementSync;
  readonly #all: StatementSync;
  readonly #drop: StatementSync;

  constructor(database: DatabaseSync) {
    // The same gap is found again where the agent ends before it has read on.
    this.#insert = database.prepare('INSERT OR IGNORE INTO gaps VALUES (?, ?)');
    this.#all = database.prepare('SELECT from_ms, to_ms FROM gaps ORDER BY from_ms, to_ms');
    this.#drop = database.prepare('DELETE FROM gaps WHERE from_ms = ? AND to_ms = ?');
  }

  /** Must be called in a transaction. */
  add({ fromMs, toMs }: Gap): void {
    // A clock may have been set back in between.
    this.#put({ fromMs: Math.min(fromMs, toMs), toMs: Math.max(fromMs, toMs) });
    const gaps = this.all();
    const [first, second] = gaps;
    if (gaps.length <= MAX_GAPS || first === undefined || second === undefined) return;
    for (const one of [first, second]) this.#drop.run(one.fromMs, one.toMs);
    this.#put({ fromMs: first.fromMs, toMs: Math.max(first.toMs, second.toMs) });
  }

  /** At most `MAX_GAPS`, the earliest first. */
  all(): readonly Gap[] {
    return this.#all
      .all()
      .map((row) => ({ fromMs: Number(row['from_ms']), toMs: Number(row['to_ms']) }));
  }

  #put({ fromMs, toMs }: Gap): void {
    this.#insert.run(Math.floor(fromMs), Math.ceil(toMs));
  }
}
