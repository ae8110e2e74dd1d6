// Ledger tables of images: what containerd holds, by name and by image.
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Digest } from '../oci/digest.ts';
import { type ImageKey, imageKeyOf, type ImageRecord } from './image-key.ts';
import {
  type Arrival,
  arrivalOf,
  arrivalSpan,
  type RecordTimes,
  type Watch,
} from './image-arrival.ts';
import {
  type ImageCause,
  imageCause,
  type ImageState,
  imageState,
  type ImageVerdicts,
  pullEvidence,
} from './image-state.ts';
import { PULL_IN, PULL_IN_COLUMNS, pullInEvidence } from './pull-evidence.ts';
import { toVerdict, verdictColumns } from './verdict-table.ts';

/** An image on the node, with what is known of it. */
export interface LedgerImage extends ImageKey, ImageVerdicts {
  readonly mediaType: string;
  /** Bytes of the top-level manifest or index. */
  readonly size: number;
  /** containerd's records that name it. */
  readonly names: readonly string[];
  /** Since when the ledger has it. */
  readonly firstSeen: Date;
  readonly lastSeen: Date;
  readonly state: ImageState;
  readonly cause: ImageCause;
  readonly arrival: Arrival;
  /** Since when its verdicts come to this state; without a verdict, since it came at the latest. */
  readonly since: Date;
  /** When a signature was good last; null when none was, or something else is known since. */
  readonly verifiedAt: Date | null;
}

type Row = Readonly<Record<string, SQLOutputValue>>;

const SEE = `INSERT INTO images VALUES (?1, ?2, ?3, ?4, ?5, ?5)
  ON CONFLICT DO UPDATE SET media_type = ?3, size = ?4, last_seen_ms = ?5,
    first_seen_ms = iif(EXISTS (SELECT 1 FROM image_names AS own
      WHERE own.repository = ?1 AND own.digest = ?2), first_seen_ms, ?5)`;
const NAME = `INSERT INTO image_names VALUES (?1, ?2, ?3, ?4, ?5, 0)
  ON CONFLICT DO UPDATE SET repository = ?2, digest = ?3, created_ms = ?4, updated_ms = ?5,
    moved = created_ms IS ?4 AND (moved OR repository <> ?2 OR digest <> ?3)`;
const ALL = `SELECT image.*, ${verdictColumns('pull')}, ${verdictColumns('again')},
    (SELECT json_group_array(
       json_array(name, repository, created_ms, updated_ms, moved) ORDER BY name)
     FROM image_names AS own WHERE own.digest = image.digest
       AND (own.repository = image.repository OR own.repository = '')) AS names,
    standing.since_ms, good.time_ms AS good_ms, ${PULL_IN_COLUMNS}
  FROM present_images AS image
  LEFT JOIN verdicts AS pull ON pull.repository = image.repository
    AND pull.digest = image.digest AND pull.source = 'pull'
  LEFT JOIN verdicts AS again ON again.repository = image.repository
    AND again.digest = image.digest AND again.source = 'reverification'
  LEFT JOIN standings AS standing ON standing.repository = image.repository
    AND standing.digest = image.digest
  LEFT JOIN conclusions AS good ON good.repository = image.repository
    AND good.digest = image.digest AND good.decision = 'allow' AND good.reason = 'verified'
  ${PULL_IN}
  ORDER BY image.repository, image.digest`;
export class ImageTable {
  readonly #see: StatementSync;
  readonly #name: StatementSync;
  readonly #forget: StatementSync;
  readonly #named: StatementSync;
  readonly #names: StatementSync;
  readonly #all: StatementSync;

  constructor(database: DatabaseSync) {
    this.#see = database.prepare(SEE);
    this.#name = database.prepare(NAME);
    this.#forget = database.prepare('DELETE FROM image_names WHERE name = ?');
    this.#named = database.prepare('SELECT repository, digest FROM image_names WHERE name = ?');
    this.#names = database.prepare('SELECT name FROM image_names');
    this.#all = database.prepare(ALL);
  }

  /** Returns whether the record is new or names another image than before. */
  record(record: ImageRecord, now: Date): boolean {
    const { repository, digest } = imageKeyOf(record);
    const { name, createdAt, updatedAt, target } = record;
    const before = this.#named.get(name);
    this.#see.run(repository, digest, target.mediaType, target.size, now.getTime());
    const times = [createdAt?.getTime() ?? null, updatedAt?.getTime() ?? null];
    this.#name.run(name, repository, digest, ...times);
    return before?.['repository'] !== repository || before['digest'] !== digest;
  }

  /** Returns whether there was such a record. The image's verdicts stay. */
  forget(name: string): boolean {
    return this.#forget.run(name).changes > 0;
  }

  names(): string[] {
    return this.#names.all().map(({ name }) => String(name));
  }

  *each(watch: Watch): Generator<LedgerImage, void, undefined> {
    for (const row of this.#all.iterate()) yield toLedgerImage(row, watch);
  }
}

function toLedgerImage(row: Row, watch: Watch): LedgerImage {
  const verdicts = { pull: toVerdict(row, 'pull'), reverification: toVerdict(row, 'again') };
  const key = { repository: String(row['repository']), digest: row['digest'] as Digest };
  const names = JSON.parse(String(row['names'])) as readonly NameRow[];
  const firstSeenMs = Number(row['first_seen_ms']);
  const records = names.filter(([, repository]) => repository === key.repository);
  const evidence = {
    records: records.map((name) => recordTimes(name, key)),
    firstSeenMs,
    // Older ledgers have verdicts on pulls alone.
    pull: pullInEvidence(row) ?? pullEvidence(verdicts),
    isPulling: row['is_pulling'] === 1,
  };
  const arrival = arrivalOf(evidence, watch);
  const goodMs = row['good_ms'] ?? null;
  const sinceMs = row['since_ms'] ?? arrivalSpan(evidence).latestMs;
  return {
    ...key,
    mediaType: String(row['media_type']),
    size: Number(row['size']),
    names: names.map(([name]) => name),
    firstSeen: new Date(firstSeenMs),
    lastSeen: new Date(Number(row['last_seen_ms'])),
    ...verdicts,
    state: imageState(verdicts, goodMs !== null),
    cause: imageCause(verdicts, arrival),
    arrival,
    since: new Date(Number(sinceMs)),
    verifiedAt: typeof goodMs === 'number' ? new Date(goodMs) : null,
  };
}

/** Name, repository, when it was made, when it was changed, whether it moved. */
type NameRow = readonly [string, string, number | null, number | null, number];

function recordTimes(
  [name, , createdMs, updatedMs, moved]: NameRow,
  { repository, digest }: ImageKey,
): RecordTimes {
  const isPinned = name === `${repository}@${digest}`;
  return { isPinned, hasMoved: moved === 1, createdMs, updatedMs };
}
