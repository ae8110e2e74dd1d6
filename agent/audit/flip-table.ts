// Ledger tables of flips: the last verdict on each image that could tell, and how often one said otherwise.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Decision } from '../notation/verification/verdict.ts';
import type { Before, HistoryRecord } from './history-record.ts';
import { isoTime } from '../utc.ts';

/** How often verdicts turned, ever. */
export interface FlipTotal {
  readonly from: Decision;
  readonly to: Decision;
  readonly count: number;
}

/** Whoever creates pods can have any number of names judged; each would leave a row for good. */
export const MAX_CONCLUSIONS = 20_000;

export class FlipTable {
  readonly #last: StatementSync;
  readonly #keep: StatementSync;
  readonly #count: StatementSync;
  readonly #totals: StatementSync;
  readonly #prune: StatementSync;

  constructor(database: DatabaseSync) {
    this.#last = database.prepare(
      `SELECT decision, reason, time_ms AS timeMs FROM conclusions
       WHERE repository = ? AND digest = ?`,
    );
    this.#keep = database.prepare('INSERT OR REPLACE INTO conclusions VALUES (?, ?, ?, ?, ?)');
    this.#count = database.prepare(
      `INSERT INTO flip_totals VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1`,
    );
    this.#totals = database.prepare(
      'SELECT before_decision AS "from", decision AS "to", count FROM flip_totals ORDER BY 1, 2',
    );
    // A replaced row gets a new rowid, so rowids are in order of recording.
    this.#prune = database.prepare(
      `DELETE FROM conclusions WHERE rowid <= (SELECT max(rowid) FROM conclusions) - ?
         AND NOT EXISTS (SELECT 1 FROM image_names AS own
           WHERE own.digest = conclusions.digest AND own.repository = conclusions.repository)`,
    );
  }

  /**
   * Takes a record for the last word on its image. Returns what the word before was, if that was
   * another; null too where the record is none, or tells of a time before the last word: journals are
   * read late.
   */
  turn(record: HistoryRecord): Before | null {
    const { repository, digest, decision, reason } = record;
    if (!isConclusive(record)) return null;
    const timeMs = Date.parse(record.time);
    const last = this.#last.get(repository, digest) as LastRow | undefined;
    if (last !== undefined && last.timeMs > timeMs) return null;
    this.#keep.run(repository, digest, decision, reason, timeMs);
    if (last === undefined || last.decision === decision) return null;
    this.#count.run(last.decision, decision);
    return {
      decision: last.decision,
      reason: last.reason,
      time: isoTime(new Date(last.timeMs)),
    };
  }

  totals(): FlipTotal[] {
    return this.#totals.all().map((row) => ({ ...row }) as unknown as FlipTotal);
  }

  /** Drops all but the last `MAX_CONCLUSIONS`, never one on an image that is here. */
  prune(): void {
    this.#prune.run(MAX_CONCLUSIONS);
  }
}

interface LastRow {
  readonly decision: Decision;
  readonly reason: string;
  readonly timeMs: number;
}

/** Whether it is a verdict of ours that could tell. By break-glass, nobody looked. */
export function isConclusive(
  record: HistoryRecord,
): record is HistoryRecord & { readonly digest: string } {
  const { kind, digest, inconclusive, mode, via } = record;
  return (
    (kind === 'pull' || kind === 'reverification') &&
    digest !== null &&
    !inconclusive &&
    mode !== 'break_glass' &&
    via !== 'containerd'
  );
}
