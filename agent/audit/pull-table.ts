// Ledger tables of pulls: one row each, and totals that only grow.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Digest } from '../oci/digest.ts';
import type { VerdictMode } from './image-state.ts';
import type { Fate, Pull, PullJudgement } from './pull.ts';
import type { OpenPulls } from './pull-join.ts';
import { fromPull, PULL_COLUMNS, type PullRow, toPull } from './pull-row.ts';
import type { PullCount } from './pull-settlement.ts';

/** How many pulls there were of a kind, ever. */
export interface PullTotal extends PullCount {
  readonly count: number;
}

/** The last pull of an image. */
export interface LastPull {
  readonly judgement: PullJudgement;
  readonly mode: VerdictMode;
  /** containerd has told that the image is there. */
  readonly finished: boolean;
  readonly at: Date;
}

/** Whoever creates pods can have any number of names pulled; each would leave a row for good. */
export const MAX_PULLS = 20_000;

/** Pulls of one name at one time; kubelet has far fewer, and what is beyond is joined later. */
const MAX_CANDIDATES = 64;

export class PullTable implements OpenPulls {
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  readonly #close: StatementSync;
  readonly #count: StatementSync;
  readonly #totals: StatementSync;
  readonly #prune: StatementSync;
  readonly #last: StatementSync;
  readonly #due: StatementSync;
  readonly #nextDue: StatementSync;
  readonly #unexplained: StatementSync;
  readonly #unconfirmed: StatementSync;
  readonly #started: StatementSync;
  readonly #unjudged: StatementSync;
  readonly #letIn: StatementSync;
  readonly #unasked: StatementSync;
  readonly #awaited: StatementSync;
  readonly #running: StatementSync;

  constructor(database: DatabaseSync) {
    const prepare = (sql: string) => database.prepare(sql);
    const open = (where: string, limit = MAX_CANDIDATES) =>
      prepare(`SELECT * FROM pulls WHERE open = 1 AND ${where} LIMIT ${limit}`);
    this.#put = prepare(
      `INSERT OR REPLACE INTO pulls (${PULL_COLUMNS.join(', ')})
       VALUES (${PULL_COLUMNS.map(() => '?').join(', ')})`,
    );
    this.#drop = prepare('DELETE FROM pulls WHERE id = ?');
    this.#close = prepare('UPDATE pulls SET open = 0 WHERE id = ?');
    this.#count = prepare(
      `INSERT INTO pull_totals VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET count = count + 1`,
    );
    this.#totals = prepare('SELECT * FROM pull_totals ORDER BY judgement, cause, mode');
    this.#prune = prepare(
      `DELETE FROM pulls WHERE open = 0 AND id <= (SELECT max(id) FROM pulls) - ?
         AND NOT EXISTS (SELECT 1 FROM image_names AS own
           WHERE own.digest = pulls.digest AND own.repository = pulls.repository)`,
    );
    this.#last = prepare(
      `SELECT * FROM pulls WHERE digest = ? AND repository = ? AND counted IS NOT NULL
       ORDER BY id DESC LIMIT 1`,
    );
    this.#due = open('due_us < ? ORDER BY due_us, id');
    this.#nextDue = prepare('SELECT min(due_us) AS due FROM pulls WHERE open = 1');
    this.#unexplained = open(
      `decision IS NULL AND digest = ? AND (containerd IS NOT NULL OR end_kind = 'finished')
       ORDER BY id`,
    );
    this.#unconfirmed = open(
      `containerd IS NULL AND end_kind IS NULL AND arrived_us IS NULL AND fate = ?3 AND digest = ?1
       AND judged_us >= ?4 AND (repository = ?2 OR repository = '' OR ?2 = '') ORDER BY id`,
      1,
    );
    this.#started = open('requested = ? AND end_kind IS NULL ORDER BY id');
    this.#unjudged = open(
      `decision IS NULL AND containerd IS NULL AND requested IS NOT NULL AND name = ?
       AND (end_kind IS NULL OR (end_kind = 'failed' AND ended_us >= ?))
       ORDER BY end_kind IS NOT NULL, id`,
      1,
    );
    this.#letIn = open(
      `end_kind IS NULL AND requested IS NULL AND fate = 'let_in' AND digest = ?1
       AND judged_us >= ?3 AND (arrived_us IS NULL OR arrived_us >= ?4)
       AND (repository = ?2 OR repository = '') ORDER BY id`,
      1,
    );
    this.#unasked = open(
      `end_kind IS NULL AND requested IS NULL AND name = ? AND judged_us BETWEEN ? AND ?
       ORDER BY judged_us, id`,
      1,
    );
    this.#awaited = open(
      `end_kind IS NULL AND arrived_us IS NULL AND fate = 'let_in' AND name = ? ORDER BY id`,
      1,
    );
    this.#running = open('requested IS NOT NULL AND end_kind IS NULL ORDER BY id', 1000);
  }

  /** Writes a pull, a new one if it has no id. */
  put(pull: Pull): void {
    this.#put.run(...fromPull(pull));
  }

  drop(id: number): void {
    this.#drop.run(id);
  }

  close(id: number): void {
    this.#close.run(id);
  }

  count({ judgement, cause, mode }: PullCount): void {
    this.#count.run(judgement, cause, mode);
  }

  totals(): PullTotal[] {
    return this.#totals.all().map((row) => ({ ...row }) as unknown as PullTotal);
  }

  /** Drops all but the last `MAX_PULLS` closed ones, never one of an image that is here, never a total. */
  prune(): void {
    this.#prune.run(MAX_PULLS);
  }

  last(repository: string, digest: Digest): LastPull | null {
    const row = this.#last.get(digest, repository);
    if (row === undefined) return null;
    const { counted, mode, end, arrivedUs, judgedUs, endedUs, dueUs } = toPull(row);
    return {
      judgement: counted ?? 'unjudged',
      mode,
      finished: end === 'finished' || arrivedUs !== null,
      at: new Date((judgedUs ?? endedUs ?? dueUs) / 1000),
    };
  }

  /** Some of those that are due before that time, the earliest first. */
  due(beforeUs: number): readonly Pull[] {
    return this.#due.all(beforeUs).map(toPull);
  }

  /** When the next one is due; Infinity when none is open. */
  nextDueUs(): number {
    const due = this.#nextDue.get()?.['due'];
    return typeof due === 'number' ? due : Infinity;
  }

  unexplained(digest: Digest): readonly Pull[] {
    return this.#unexplained.all(digest).map(toPull);
  }

  unconfirmed(digest: Digest, repository: string, fate: Fate, fromUs: number): Pull | undefined {
    return first(this.#unconfirmed.get(digest, repository, fate, fromUs));
  }

  started(requested: string): readonly Pull[] {
    return this.#started.all(requested).map(toPull);
  }

  unjudged(name: string, endedAfterUs: number): Pull | undefined {
    return first(this.#unjudged.get(name, endedAfterUs));
  }

  letIn(
    digest: Digest,
    repository: string,
    fromUs: number,
    arrivedFromUs: number,
  ): Pull | undefined {
    return first(this.#letIn.get(digest, repository, fromUs, arrivedFromUs));
  }

  unasked(name: string, fromUs: number, toUs: number): Pull | undefined {
    return first(this.#unasked.get(name, fromUs, toUs));
  }

  awaited(name: string): Pull | undefined {
    return first(this.#awaited.get(name));
  }

  running(): readonly Pull[] {
    return this.#running.all().map(toPull);
  }
}

function first(row: PullRow | undefined): Pull | undefined {
  return row === undefined ? undefined : toPull(row);
}
