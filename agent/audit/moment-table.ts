// Ledger table of moments: what has to be known of a node's past to say how its images came.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Watch } from './image-arrival.ts';

/**
 * `began`: the ledger. `installed`: our verifier, first of all. `images_listed` and
 * `containers_listed`: the last complete lists of containerd.
 */
export const MOMENTS = ['began', 'installed', 'images_listed', 'containers_listed'] as const;
export type Moment = (typeof MOMENTS)[number];

export class MomentTable {
  readonly #first: StatementSync;
  readonly #last: StatementSync;
  readonly #read: StatementSync;
  readonly #readTo: StatementSync;

  constructor(database: DatabaseSync) {
    const insert = 'INSERT INTO moments VALUES (?, ?) ON CONFLICT DO UPDATE SET at_ms';
    this.#first = database.prepare(`${insert} = min(at_ms, excluded.at_ms)`);
    this.#last = database.prepare(`${insert} = excluded.at_ms`);
    this.#read = database.prepare('SELECT at_ms FROM moments WHERE name = ?');
    // Of several sources, the lines of one wait for those of the others. Silence of the only one may
    // also be that it is broken, and says nothing.
    this.#readTo = database.prepare(
      `SELECT iif(count(*) > 1, min(max(coalesce(frontier_us, 0), silent_us)),
         (SELECT max(realtime_us) FROM journal)) / 1000 AS at_ms
       FROM line_sources`,
    );
  }

  /** Keeps the earliest. */
  first(name: 'began' | 'installed', at: Date): void {
    this.#first.run(name, at.getTime());
  }

  /** Keeps the latest that was told. */
  last(name: 'images_listed' | 'containers_listed', at: Date): void {
    this.#last.run(name, at.getTime());
  }

  /** Null for one that was never noted. */
  at(name: Moment): Date | null {
    const atMs = this.#read.get(name)?.['at_ms'];
    return typeof atMs === 'number' ? new Date(atMs) : null;
  }

  watch(): Omit<Watch, 'gaps'> {
    const readToMs = this.#readTo.get()?.['at_ms'];
    return {
      installedMs: this.at('installed')?.getTime() ?? null,
      beganMs: this.at('began')?.getTime() ?? null,
      readToMs: typeof readToMs === 'number' ? readToMs : null,
    };
  }
}
