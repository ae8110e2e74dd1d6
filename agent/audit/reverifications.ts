// Which images are to be re-verified and when, as the ledger keeps it.
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Verdict } from '../notation/verification/verdict.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Digest } from '../oci/digest.ts';
import { guard, inTransaction } from './database.ts';
import type { ImageKey } from './image-key.ts';

/** Under which policy and trust to look: an image last re-verified under others is due at once. */
export interface Generation {
  readonly policyHash: string | null;
  readonly trustHash: string | null;
}

/** When an image is to be re-verified again. */
export interface Schedule extends Generation {
  readonly due: Date;
  readonly attempts: number;
  /** Whether it may ask its registry then. Default: only what is known is looked at first. */
  readonly asks?: boolean;
}

/** An image, and when it is due. */
export type Postponed = readonly [image: ImageKey, schedule: Schedule];

/** A verdict on an image, and when the next is due. */
export interface Reverified {
  /** Its name, if it has one of its own. */
  readonly image: ImageKey & { readonly name?: string };
  readonly verdict: Verdict;
  readonly schedule: Schedule;
}

/** An image to re-verify. */
export interface DueImage extends ImageKey {
  /** `repository@digest`, or a record's name when there is no repository. */
  readonly name: string;
  readonly descriptor: Descriptor;
  /** Re-verifications in a row that were inconclusive. */
  readonly attempts: number;
  /** Nobody has looked at it yet. */
  readonly isNew: boolean;
  /** Since when it may ask its registry; null while it may not. */
  readonly asksSince: Date | null;
  /** Since when the ledger has it. */
  readonly firstSeen: Date;
  readonly isRunning: boolean;
}

/** What of a node's images runs. */
export interface Share {
  readonly images: number;
  readonly running: number;
}

/** Of several images of one content it may not be known which one a container runs: then any may be. */
const RUNS = `EXISTS (SELECT 1 FROM containers AS own WHERE own.digest = image.digest
  AND coalesce(own.repository, image.repository) = image.repository)`;
const COLUMNS = `image.*, coalesce(last.attempts, 0) AS attempts, last.due_ms,
    last.asks AND last.policy_hash IS ?1 AND last.trust_hash IS ?2 AS asks, ${RUNS} AS runs,
    (SELECT coalesce(min(name), image.digest) FROM image_names AS own
     WHERE own.digest = image.digest AND own.repository = image.repository) AS name`;
const FIRST = 'ORDER BY last.due_ms, image.first_seen_ms, image.repository, image.digest LIMIT ?4';
const DUE = `SELECT ${COLUMNS} FROM present_images AS image
  LEFT JOIN reverifications AS last USING (repository, digest)
  WHERE last.due_ms IS NULL OR last.due_ms <= ?3
    OR last.policy_hash IS NOT ?1 OR last.trust_hash IS NOT ?2 ${FIRST}`;
// In this order of tables, by the index: SQLite would rather look at all images.
const DUE_BY_TIME = `SELECT ${COLUMNS} FROM reverifications AS last
  CROSS JOIN present_images AS image USING (repository, digest)
  WHERE last.due_ms <= ?3 ${FIRST}`;

/** As of the ledger, every method throws `ledger_failed`, and every write is one transaction. */
export class Reverifications {
  readonly #database: DatabaseSync;
  readonly #due: StatementSync;
  readonly #dueByTime: StatementSync;
  readonly #next: StatementSync;
  readonly #share: StatementSync;
  readonly #schedule: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#due = database.prepare(DUE);
    this.#dueByTime = database.prepare(DUE_BY_TIME);
    this.#next = database.prepare(
      `SELECT due_ms AS due FROM reverifications
       CROSS JOIN present_images USING (repository, digest) ORDER BY due_ms LIMIT 1`,
    );
    this.#share = database.prepare(
      `SELECT count(*) AS images, coalesce(sum(${RUNS}), 0) AS running FROM present_images AS image`,
    );
    this.#schedule = database.prepare(
      'INSERT OR REPLACE INTO reverifications VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
  }

  /**
   * At most `limit` of the images to re-verify now, those never looked at first: new, last looked at
   * under another policy or trust, or their time has come. Takes a look at every image.
   */
  due(generation: Generation, now: Date, limit: number): DueImage[] {
    return this.#read(this.#due, generation, now, limit);
  }

  /** Of these at most `limit` whose time has come: all, where none is new or of another generation. */
  dueByTime(generation: Generation, now: Date, limit: number): DueImage[] {
    return this.#read(this.#dueByTime, generation, now, limit);
  }

  /** The earliest time at which an image that was looked at is due again; null when none was. */
  next(): Date | null {
    return guard('read the next image due', () => {
      const due = this.#next.get()?.['due'];
      return typeof due === 'number' ? new Date(due) : null;
    });
  }

  /** The images of the node, and how many of them run. */
  share(): Share {
    return guard('count the images', () => {
      const { images, running } = this.#share.get() ?? {};
      return { images: Number(images), running: Number(running) };
    });
  }

  /** Sets when images are due, without a verdict on them. */
  postpone(postponed: readonly Postponed[]): void {
    if (postponed.length === 0) return;
    guard('postpone re-verifications', () =>
      inTransaction(this.#database, () => {
        for (const [image, schedule] of postponed) this.schedule(image, schedule);
      }),
    );
  }

  /** The same within a transaction. */
  schedule({ repository, digest }: ImageKey, schedule: Schedule): void {
    const { policyHash, trustHash, due, attempts, asks = false } = schedule;
    const times = [due.getTime(), attempts, Number(asks)];
    this.#schedule.run(repository, digest, policyHash, trustHash, ...times);
  }

  #read(
    statement: StatementSync,
    { policyHash, trustHash }: Generation,
    now: Date,
    limit: number,
  ): DueImage[] {
    return guard('read the images due', () =>
      statement.all(policyHash, trustHash, now.getTime(), limit).map(toDueImage),
    );
  }
}

function toDueImage(row: Readonly<Record<string, SQLOutputValue>>): DueImage {
  const repository = String(row['repository']);
  const digest = row['digest'] as Digest;
  return {
    repository,
    digest,
    name: repository === '' ? String(row['name']) : `${repository}@${digest}`,
    descriptor: { mediaType: String(row['media_type']), digest, size: Number(row['size']) },
    attempts: Number(row['attempts']),
    isNew: row['due_ms'] === null,
    asksSince: row['asks'] === 1 ? new Date(Number(row['due_ms'])) : null,
    firstSeen: new Date(Number(row['first_seen_ms'])),
    isRunning: row['runs'] === 1,
  };
}
