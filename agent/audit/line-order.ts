// Ledger tables of lines: each once, and in the order of their times, whichever sources bring them in whatever order.
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { hash } from '../notation/encoding/crypto.ts';

/** How far a source is. */
export interface SourceState {
  /** The latest time of its lines, which later lines are taken to have at least; null before the first. */
  frontierUs: number | null;
  /** Until when it is known to bring no more lines than it has brought; 0 when nobody said. */
  silentUs: number;
  /** What is older was told of before the source was there; 0 once it has told of something newer. */
  floorUs: number;
  /** How many lines it brought, ever. */
  lines: number;
}

/** A source that has brought nothing. */
export const NEW_SOURCE: SourceState = { frontierUs: null, silentUs: 0, floorUs: 0, lines: 0 };

/** The place of a line among all. */
export interface LinePlace {
  readonly atUs: number;
  readonly source: string;
  readonly number: number;
}

/** A line that waits for those before it. */
export interface WaitingLine extends LinePlace {
  readonly line: string;
}

/**
 * One source may tell of a line this much later than another: it brings the lines in its order, and
 * takes the time of one that it read before for the least.
 */
const MEMORY_US = 60_000_000;

const MAX_TAKEN = 1000;

export class LineOrder {
  readonly #sources: StatementSync;
  readonly #keepSource: StatementSync;
  readonly #dropSource: StatementSync;
  readonly #known: StatementSync;
  readonly #add: StatementSync;
  readonly #move: StatementSync;
  readonly #waiting: StatementSync;
  readonly #anyWaiting: StatementSync;
  readonly #taken: StatementSync;
  readonly #forget: StatementSync;

  constructor(database: DatabaseSync) {
    const prepare = (sql: string) => database.prepare(sql);
    this.#sources = prepare('SELECT * FROM line_sources ORDER BY source');
    this.#keepSource = prepare('INSERT OR REPLACE INTO line_sources VALUES (?, ?, ?, ?, ?)');
    this.#dropSource = prepare('DELETE FROM line_sources WHERE source = ?');
    this.#known = prepare('SELECT at_us AS atUs, source, number FROM log_lines WHERE key = ?');
    this.#add = prepare('INSERT INTO log_lines VALUES (?, ?, ?, ?, ?)');
    this.#move = prepare('UPDATE log_lines SET at_us = ?, source = ?, number = ? WHERE key = ?');
    this.#waiting = prepare(
      `SELECT key, at_us AS atUs, source, number, line FROM log_lines
       WHERE at_us < ? AND line IS NOT NULL ORDER BY at_us, source, number LIMIT ${MAX_TAKEN}`,
    );
    this.#anyWaiting = prepare('SELECT 1 FROM log_lines WHERE line IS NOT NULL LIMIT 1');
    this.#taken = prepare('UPDATE log_lines SET line = NULL WHERE key = ?');
    this.#forget = prepare('DELETE FROM log_lines WHERE at_us < ? AND line IS NULL');
  }

  sources(): Map<string, SourceState> {
    return new Map(
      this.#sources.all().map((row) => [
        String(row['source']),
        {
          frontierUs: row['frontier_us'] === null ? null : Number(row['frontier_us']),
          silentUs: Number(row['silent_us']),
          floorUs: Number(row['floor_us']),
          lines: Number(row['lines']),
        },
      ]),
    );
  }

  keep(source: string, { frontierUs, silentUs, floorUs, lines }: SourceState): void {
    this.#keepSource.run(source, frontierUs, silentUs, floorUs, lines);
  }

  drop(source: string): void {
    this.#dropSource.run(source);
  }

  /**
   * Adds a line, with its text if it has to wait for others. Returns false when another source has
   * brought it: it then stands where the earlier of the two put it. Lines without identity are all
   * different.
   */
  add(identity: string | undefined, place: LinePlace, line: string | null): boolean {
    const { atUs, source, number } = place;
    const key = hash('sha256', Buffer.from(identity ?? `${number} ${source}`)).subarray(0, 16);
    const known = identity === undefined ? undefined : this.#known.get(key);
    if (known === undefined) {
      this.#add.run(key, atUs, source, number, line);
      return true;
    }
    if (isBefore(place, known as unknown as LinePlace)) this.#move.run(atUs, source, number, key);
    return false;
  }

  /** Whether lines wait for others. */
  isWaiting(): boolean {
    return this.#anyWaiting.get() !== undefined;
  }

  /** Takes the lines before that time, in their order. */
  *take(beforeUs: number): Generator<WaitingLine, void, undefined> {
    for (;;) {
      const rows = this.#waiting.all(beforeUs);
      for (const row of rows) {
        this.#taken.run(row['key'] as SQLOutputValue & Uint8Array);
        yield row as unknown as WaitingLine;
      }
      if (rows.length < MAX_TAKEN) return;
    }
  }

  /** Forgets the lines that no source can bring again, now that all of them are there. */
  forget(passedUs: number): void {
    this.#forget.run(passedUs - MEMORY_US);
  }
}

function isBefore(a: LinePlace, b: LinePlace): boolean {
  if (a.atUs !== b.atUs) return a.atUs < b.atUs;
  if (a.source !== b.source) return a.source < b.source;
  return a.number < b.number;
}
