// The audit trail of the ledger: each verdict, and what it turns or contradicts, as lines that can be read on from.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { guard, inTransaction } from './database.ts';
import { DisagreementTable, type DisagreementTotal } from './disagreement-table.ts';
import { FlipTable, type FlipTotal } from './flip-table.ts';
import { type HistoryFilter, HistoryTable } from './history.ts';
import {
  admittedOf,
  type HistoryEntry,
  type HistoryKind,
  type HistoryRecord,
} from './history-record.ts';

/** All but `add` throw `ledger_failed`. */
export class AuditTrail {
  readonly #database: DatabaseSync;
  readonly #lines: HistoryTable;
  readonly #flips: FlipTable;
  readonly #disagreements: DisagreementTable;
  readonly #writtenTo: StatementSync;
  readonly #write: StatementSync;
  /** Told of lines before their transaction ends; may only take note. */
  onAdd: () => void = () => {};

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#lines = new HistoryTable(database);
    this.#flips = new FlipTable(database);
    this.#disagreements = new DisagreementTable(database);
    this.#writtenTo = database.prepare('SELECT written_to AS id FROM audit_log');
    this.#write = database.prepare('INSERT OR REPLACE INTO audit_log VALUES (1, ?)');
  }

  /**
   * Adds the line of a pull or a re-verification, and those of the flip and the disagreement that it
   * makes. Returns the id of its line. Must be called in a transaction.
   */
  add(record: HistoryRecord): number {
    const id = this.#lines.add(record);
    const before = this.#flips.turn(record);
    if (before !== null) this.#lines.add({ ...record, kind: 'flip', before });
    this.#disagree(record);
    this.onAdd();
    return id;
  }

  /**
   * Takes note that the pull of a line went otherwise at containerd than the line says, and adds the
   * line of the disagreement that this makes. Must be called in a transaction.
   */
  contradict(id: number): void {
    const [record] = this.#lines.after(id - 1, {}, 1);
    // It may have been taken by retention.
    if (record?.id !== id) return;
    this.#disagree({ ...record, admitted: !(admittedOf(record) ?? false) });
    this.onAdd();
  }

  #disagree(record: HistoryRecord): void {
    const found = this.#disagreements.find(record);
    if (found === null) return;
    const { cause, before } = found;
    this.#lines.add({ ...record, kind: 'disagreement', cause, before });
  }

  /** Drops what is known of the images that went longest ago; never a line. Must be called in a transaction. */
  prune(): void {
    this.#flips.prune();
    this.#disagreements.prune();
  }

  /** At most `limit` lines that match and were added after line `id`, the oldest first. */
  after(id: number, filter: HistoryFilter, limit: number): HistoryEntry[] {
    return guard('read the audit trail', () => this.#lines.after(id, filter, limit));
  }

  /** The id after which the last `count` lines that match come. */
  beforeLast(count: number, filter: HistoryFilter): number {
    return guard('read the audit trail', () => this.#lines.beforeLast(count, filter));
  }

  /** At most `limit` lines of a kind, the last first, among the last `among` lines of any. */
  latest(kind: HistoryKind, limit: number, among: number): HistoryEntry[] {
    return guard('read the audit trail', () => this.#lines.latest(kind, limit, among));
  }

  /** The id of the last line that was ever added; 0 before the first. */
  lastId(): number {
    return guard('read the audit trail', () => this.#lines.lastId());
  }

  /** How often verdicts turned, since the ledger began. */
  flips(): FlipTotal[] {
    return guard('read the flips', () => this.#flips.totals());
  }

  /** How often disagreements were found, since the ledger began. */
  disagreements(): DisagreementTotal[] {
    return guard('read the disagreements', () => this.#disagreements.totals());
  }

  /** The id of the last line that is in the audit log; 0 before the first. */
  writtenTo(): number {
    return guard('read how far the audit log is', () => Number(this.#writtenTo.get()?.['id'] ?? 0));
  }

  /** Notes that all lines up to that id are in the audit log. */
  recordWritten(id: number): void {
    guard('record how far the audit log is', () =>
      inTransaction(this.#database, () => this.#write.run(id)),
    );
  }
}
