// Ledger tables of the journal: how far it was read, and what containerd's lines said.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { JournalEffect } from './journal-effects.ts';
import type { JournalEventKind } from './journal-reading.ts';

/** How far a journal was read: the last entry whose effects are in the ledger. */
export interface JournalPosition {
  readonly cursor: string;
  /** Microseconds since 1970. */
  readonly realtimeUs: number;
}

/** How often an event was read, ever, and when last. */
export interface EventTotal {
  readonly event: JournalEventKind;
  readonly count: number;
  readonly lastUs: number;
  /** Attacker-controlled text. */
  readonly lastDetail: string;
}

export class JournalTable {
  readonly #move: StatementSync;
  readonly #position: StatementSync;
  readonly #count: StatementSync;
  readonly #totals: StatementSync;

  constructor(database: DatabaseSync) {
    this.#move = database.prepare('INSERT OR REPLACE INTO journal VALUES (?, ?, ?)');
    this.#position = database.prepare(
      'SELECT cursor, realtime_us AS realtimeUs FROM journal WHERE source = ?',
    );
    this.#count = database.prepare(
      `INSERT INTO event_totals VALUES (?1, ?4, ?2, ?3)
       ON CONFLICT DO UPDATE SET count = count + ?4, last_us = max(last_us, ?2),
         last_detail = iif(last_us <= ?2, ?3, last_detail)`,
    );
    this.#totals = database.prepare(
      `SELECT event, count, last_us AS lastUs, last_detail AS lastDetail
       FROM event_totals ORDER BY event`,
    );
  }

  moveTo(source: string, { cursor, realtimeUs }: JournalPosition): void {
    this.#move.run(source, cursor, realtimeUs);
  }

  position(source: string): JournalPosition | undefined {
    return this.#position.get(source) as JournalPosition | undefined;
  }

  count(effects: readonly JournalEffect[]): void {
    // A busy journal has hundreds of a kind in one transaction.
    const totals = new Map<JournalEventKind, EventTotal>();
    for (const effect of effects) {
      if (effect.kind !== 'event') continue;
      const { event, atUs, detail } = effect;
      const before = totals.get(event) ?? { count: 0, lastUs: atUs, lastDetail: detail };
      const last = before.lastUs <= atUs ? { lastUs: atUs, lastDetail: detail } : before;
      totals.set(event, { ...last, event, count: before.count + 1 });
    }
    for (const { event, count, lastUs, lastDetail } of totals.values()) {
      this.#count.run(event, lastUs, lastDetail, count);
    }
  }

  totals(): EventTotal[] {
    return this.#totals.all().map((row) => ({ ...row }) as unknown as EventTotal);
  }
}
