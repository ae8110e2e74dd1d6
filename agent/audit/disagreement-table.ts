// Ledger tables of disagreements: how containerd handled each image, on which we disagree, and how often we began to.
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import {
  disagreement,
  type Disagreement,
  type DisagreementCause,
  type DisagreementKind,
  type Handling,
  type Handlings,
} from './disagreement.ts';
import { isConclusive } from './flip-table.ts';
import { admittedOf, type HistoryRecord } from './history-record.ts';

/** How often disagreements were found, ever. */
export interface DisagreementTotal {
  readonly kind: DisagreementKind;
  readonly cause: DisagreementCause;
  readonly count: number;
}

/** As with verdicts: whoever creates pods can have any number of names pulled. */
export const MAX_HANDLINGS = 20_000;

export class DisagreementTable {
  readonly #handling: StatementSync;
  readonly #handle: StatementSync;
  readonly #correct: StatementSync;
  readonly #current: StatementSync;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  readonly #count: StatementSync;
  readonly #totals: StatementSync;
  readonly #prunes: readonly StatementSync[];

  constructor(database: DatabaseSync) {
    this.#handling = database.prepare(
      'SELECT * FROM handlings WHERE repository = ? AND digest = ? AND admitted = ?',
    );
    // Journals are read late, and out of order where there are two.
    this.#handle = database.prepare(
      `INSERT INTO handlings VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
       ON CONFLICT DO UPDATE SET decision = ?4, reason = ?5, inconclusive = ?6, mode = ?7,
         policy_hash = ?8, trust_hash = ?9, time_ms = ?10
       WHERE time_ms <= ?10`,
    );
    this.#correct = database.prepare(
      `DELETE FROM handlings WHERE repository = ? AND digest = ? AND admitted <> ? AND time_ms = ?`,
    );
    this.#current = database.prepare(
      'SELECT kind, cause FROM disagreements WHERE repository = ? AND digest = ?',
    );
    this.#begin = database.prepare('INSERT OR REPLACE INTO disagreements VALUES (?, ?, ?, ?)');
    this.#end = database.prepare('DELETE FROM disagreements WHERE repository = ? AND digest = ?');
    this.#count = database.prepare(
      `INSERT INTO disagreement_totals VALUES (?, ?, 1)
       ON CONFLICT DO UPDATE SET count = count + 1`,
    );
    this.#totals = database.prepare(
      'SELECT kind, cause, count FROM disagreement_totals ORDER BY 1, 2',
    );
    this.#prunes = ['handlings', 'disagreements'].map((table) =>
      database.prepare(
        `DELETE FROM ${table} WHERE rowid <= (SELECT max(rowid) FROM ${table}) - ?
           AND NOT EXISTS (SELECT 1 FROM image_names AS own
             WHERE own.digest = ${table}.digest AND own.repository = ${table}.repository)`,
      ),
    );
  }

  /** Takes a record into account. Returns a disagreement that was not there before, or came about otherwise. */
  find(record: HistoryRecord): Disagreement | null {
    const { repository, digest } = record;
    if (digest === null) return null;
    const found = this.#judge({ ...record, digest });
    if (found === undefined) return null;
    if (found === null) {
      this.#end.run(repository, digest);
      return null;
    }
    const current = this.#current.get(repository, digest);
    if (current?.['kind'] === found.kind && current['cause'] === found.cause) return null;
    this.#begin.run(repository, digest, found.kind, found.cause);
    this.#count.run(found.kind, found.cause);
    return found;
  }

  totals(): DisagreementTotal[] {
    return this.#totals.all().map((row) => ({ ...row }) as unknown as DisagreementTotal);
  }

  /** Drops all but the last `MAX_HANDLINGS`, never one on an image that is here. */
  prune(): void {
    for (const statement of this.#prunes) statement.run(MAX_HANDLINGS);
  }

  /** Undefined when the record says nothing of whether we agree. */
  #judge(record: HistoryRecord & { readonly digest: string }): Disagreement | null | undefined {
    const isVerdict = isConclusive(record);
    const admitted = admittedOf(record);
    if (admitted === null) {
      return isVerdict ? disagreement(record, this.#handlings(record)) : undefined;
    }
    const before = this.#handlings(record);
    this.#keep(record, admitted);
    if (!isVerdict) return undefined;
    // Refused then, and let in now that we allow it: with this pull it is settled, and is told once.
    if (record.decision === 'allow' && admitted) return disagreement(record, before);
    // What was pulled long ago and is refused now may be on the node or not: re-verification knows.
    if (record.decision === 'deny' && !admitted) return undefined;
    return disagreement(record, this.#handlings(record));
  }

  #handlings({ repository, digest }: HistoryRecord): Handlings {
    const [refusal = null, admission = null] = [0, 1].map((admitted) => {
      const row = this.#handling.get(repository, digest, admitted);
      return row === undefined ? null : toHandling(row);
    });
    return { admission, refusal };
  }

  #keep(record: HistoryRecord, admitted: boolean): void {
    const { repository, digest, decision, reason, inconclusive, mode, via } = record;
    const timeMs = Date.parse(record.time);
    // One pull ends one way: what was taken for it before containerd told is no longer true.
    this.#correct.run(repository, digest, Number(admitted), timeMs);
    this.#handle.run(
      repository,
      digest,
      Number(admitted),
      via === 'containerd' ? null : decision,
      reason,
      Number(inconclusive),
      mode,
      record.policyHash,
      record.trustHash,
      timeMs,
    );
  }
}

function toHandling(row: Readonly<Record<string, SQLOutputValue>>): Handling {
  // The values were written from a record by `#keep`; a STRICT table keeps their types.
  return {
    decision: row['decision'],
    reason: row['reason'],
    inconclusive: row['inconclusive'] === 1,
    mode: row['mode'],
    policyHash: row['policy_hash'],
    trustHash: row['trust_hash'],
    timeMs: row['time_ms'],
  } as Handling;
}
