// Ledger tables of verdicts: the last of each source on each image, and totals that only grow.
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Decision, Reason } from '../notation/verification/verdict.ts';
import type { ImageKey } from './image-key.ts';
import type { RecordedVerdict, VerdictMode, VerdictSource } from './image-state.ts';
import { StandingTable } from './standing-table.ts';

/** How many verdicts of a source there were, ever, with this decision for this reason in this mode. */
export interface VerdictTotal {
  readonly source: VerdictSource;
  readonly decision: Decision;
  readonly reason: Reason;
  readonly mode: VerdictMode;
  readonly count: number;
}

/** Whoever creates pods can have any number of names refused; each would leave a row for good. */
export const MAX_VERDICTS = 20_000;

export class VerdictTable {
  readonly #count: StatementSync;
  readonly #keep: StatementSync;
  readonly #totals: StatementSync;
  readonly #prune: StatementSync;
  readonly #standings: StandingTable;

  constructor(database: DatabaseSync) {
    this.#standings = new StandingTable(database);
    this.#count = database.prepare(
      `INSERT INTO verdict_totals VALUES (?, ?, ?, ?, 1)
       ON CONFLICT DO UPDATE SET count = count + 1`,
    );
    this.#keep = database.prepare(
      'INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#totals = database.prepare(
      'SELECT source, decision, reason, mode, count FROM verdict_totals ORDER BY 1, 2, 3, 4',
    );
    // A replaced verdict gets a new rowid, so rowids are in order of recording.
    this.#prune = database.prepare(
      `DELETE FROM verdicts WHERE rowid <= (SELECT max(rowid) FROM verdicts) - ?
         AND NOT EXISTS (SELECT 1 FROM image_names AS own
           WHERE own.digest = verdicts.digest AND own.repository = verdicts.repository)`,
    );
  }

  /** Counts a verdict, and keeps it as the last one on `image` (null: the image is unknown). */
  add(source: VerdictSource, image: ImageKey | null, verdict: RecordedVerdict): void {
    this.#count.run(source, verdict.decision, verdict.reason, verdict.mode);
    if (image === null) return;
    this.#standings.note(image, verdict);
    this.#keep.run(
      image.repository,
      image.digest,
      source,
      verdict.decision,
      verdict.reason,
      verdict.message,
      verdict.inconclusive ? 1 : 0,
      verdict.policy,
      verdict.signature,
      verdict.signer,
      verdict.policyHash,
      verdict.trustHash,
      verdict.time,
      verdict.durationMs,
      verdict.mode,
    );
  }

  /** Drops all but the last `MAX_VERDICTS`, never one on an image that is here, never a total. */
  prune(): void {
    this.#prune.run(MAX_VERDICTS);
    this.#standings.prune();
  }

  totals(): VerdictTotal[] {
    return this.#totals.all().map((row) => ({ ...row }) as unknown as VerdictTotal);
  }
}

/** The columns of a verdict, each prefixed with a table alias in SQL and in the row. */
export function verdictColumns(alias: string): string {
  return VERDICT_COLUMNS.map((name) => `${alias}.${name} AS ${alias}_${name}`).join(', ');
}

/** Reads those columns; null when an outer join found no verdict. */
export function toVerdict(
  row: Readonly<Record<string, SQLOutputValue>>,
  alias: string,
): RecordedVerdict | null {
  if (row[`${alias}_decision`] === null) return null;
  const [decision, reason, message, inconclusive, ...rest] = VERDICT_COLUMNS.map(
    (name) => row[`${alias}_${name}`],
  );
  const [policy, signature, signer, policyHash, trustHash, time, durationMs, mode] = rest;
  // The values were written from a verdict by `add`; STRICT tables keep their types.
  return {
    decision,
    reason,
    message,
    inconclusive: inconclusive === 1,
    policy,
    signature,
    signer,
    policyHash,
    trustHash,
    time,
    durationMs,
    mode,
  } as RecordedVerdict;
}

const VERDICT_COLUMNS = [
  'decision',
  'reason',
  'message',
  'inconclusive',
  'policy',
  'signature',
  'signer',
  'policy_hash',
  'trust_hash',
  'time',
  'duration_ms',
  'mode',
] as const;
