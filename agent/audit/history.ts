// Ledger table of the audit trail: lines are added at its end and, when they are old, removed at its beginning.
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import {
  admittedOf,
  type HistoryEntry,
  type HistoryKind,
  type HistoryRecord,
} from './history-record.ts';
import { isoTime } from '../utc.ts';

/** Which lines to read; what is absent does not restrict. */
export interface HistoryFilter {
  /** At this time or later. */
  readonly since?: Date;
  /** Before this time. */
  readonly until?: Date;
  /** What the name, the repository or the digest contains. */
  readonly image?: string;
  readonly decision?: string;
  readonly kind?: string;
}

/** A line is read whole, shown whole and sent whole: none of its texts may be longer than this. */
const MAX_TEXT_LENGTH = 1024;

const COLUMNS = [
  'time_ms',
  'kind',
  'repository',
  'digest',
  'name',
  'decision',
  'reason',
  'message',
  'inconclusive',
  'mode',
  'policy',
  'signature',
  'signer',
  'policy_hash',
  'trust_hash',
  'duration_ms',
  'via',
  'admitted',
  'cause',
  'before_decision',
  'before_reason',
  'before_ms',
] as const;

const MATCHES = `($since IS NULL OR time_ms >= $since)
  AND ($until IS NULL OR time_ms < $until)
  AND ($kind IS NULL OR kind = $kind)
  AND ($decision IS NULL OR decision = $decision)
  AND ($image IS NULL OR instr(name, $image) > 0
    OR instr(repository || '@' || coalesce(digest, ''), $image) > 0)`;

/** All but `add` may be called by whoever reads the ledger; `add` must be called in a transaction. */
export class HistoryTable {
  readonly #add: StatementSync;
  readonly #after: StatementSync;
  readonly #last: StatementSync;
  readonly #latest: StatementSync;
  readonly #lastId: StatementSync;

  constructor(database: DatabaseSync) {
    this.#add = database.prepare(
      `INSERT INTO history (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`,
    );
    this.#after = database.prepare(
      `SELECT * FROM history WHERE id > $after AND ${MATCHES} ORDER BY id LIMIT $limit`,
    );
    this.#last = database.prepare(
      `SELECT min(id) AS id FROM
        (SELECT id FROM history WHERE ${MATCHES} ORDER BY id DESC LIMIT $limit)`,
    );
    this.#latest = database.prepare(
      `SELECT * FROM history WHERE id > $after AND kind = $kind ORDER BY id DESC LIMIT $limit`,
    );
    // Also of lines that are gone.
    this.#lastId = database.prepare(`SELECT seq AS id FROM sqlite_sequence WHERE name = 'history'`);
  }

  /** Returns the id of the line. */
  add(record: HistoryRecord): number {
    const { before } = record;
    const { lastInsertRowid } = this.#add.run(
      Date.parse(record.time),
      record.kind,
      cut(record.repository),
      record.digest,
      cut(record.name),
      record.decision,
      record.reason,
      cut(record.message),
      flag(record.inconclusive),
      record.mode,
      cutOrNull(record.policy),
      record.signature,
      cutOrNull(record.signer),
      record.policyHash,
      record.trustHash,
      record.durationMs,
      record.via,
      flag(admittedOf(record)),
      record.cause ?? null,
      before?.decision ?? null,
      before?.reason ?? null,
      before === null ? null : Date.parse(before.time),
    );
    return Number(lastInsertRowid);
  }

  /** At most `limit` lines that match, those first that were recorded first after line `id`. */
  after(id: number, filter: HistoryFilter, limit: number): HistoryEntry[] {
    return this.#after.all({ ...bound(filter), $after: id, $limit: limit }).map(toEntry);
  }

  /** The id after which the last `count` lines that match come. */
  beforeLast(count: number, filter: HistoryFilter): number {
    const id = this.#last.get({ ...bound(filter), $limit: count })?.['id'];
    return typeof id === 'number' ? id - 1 : this.lastId();
  }

  /** At most `limit` lines of a kind, the last first, among the last `among` lines of any. */
  latest(kind: HistoryKind, limit: number, among: number): HistoryEntry[] {
    const after = this.lastId() - among;
    return this.#latest.all({ $after: after, $kind: kind, $limit: limit }).map(toEntry);
  }

  /** The id of the last line that was ever added; 0 before the first. */
  lastId(): number {
    return Number(this.#lastId.get()?.['id'] ?? 0);
  }
}

function bound({ since, until, ...rest }: HistoryFilter): Record<string, SQLInputValue> {
  return {
    $since: since?.getTime() ?? null,
    $until: until?.getTime() ?? null,
    $image: rest.image ?? null,
    $decision: rest.decision ?? null,
    $kind: rest.kind ?? null,
  };
}

function toEntry(row: Readonly<Record<string, SQLOutputValue>>): HistoryEntry {
  const time = (value: SQLOutputValue | undefined) => isoTime(new Date(Number(value)));
  // The values were written from a record by `add`; a STRICT table keeps their types.
  return {
    id: row['id'],
    time: time(row['time_ms']),
    kind: row['kind'],
    repository: row['repository'],
    digest: row['digest'],
    name: row['name'],
    decision: row['decision'],
    reason: row['reason'],
    message: row['message'],
    inconclusive: row['inconclusive'] === 1,
    mode: row['mode'],
    policy: row['policy'],
    signature: row['signature'],
    signer: row['signer'],
    policyHash: row['policy_hash'],
    trustHash: row['trust_hash'],
    durationMs: row['duration_ms'],
    via: row['via'],
    admitted: row['admitted'] === null ? null : row['admitted'] === 1,
    cause: row['cause'],
    before:
      row['before_decision'] === null
        ? null
        : {
            decision: row['before_decision'],
            reason: row['before_reason'],
            time: time(row['before_ms']),
          },
  } as HistoryEntry;
}

function flag(value: boolean | null): number | null {
  return value === null ? null : Number(value);
}

const ELLIPSIS = '…';

function cut(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH) return text;
  // Half of a surrogate pair is no text.
  return text.slice(0, MAX_TEXT_LENGTH - 1).toWellFormed() + ELLIPSIS;
}

function cutOrNull(text: string | null): string | null {
  return text === null ? null : cut(text);
}
