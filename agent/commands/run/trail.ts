// The audit trail of a running agent: told on stdout, kept within its bounds, and counted for metrics.
import type { Logger } from 'pino';
import { SYSTEM_CLOCK } from '../../audit/clock.ts';
import type { Ledger } from '../../audit/ledger.ts';
import { retain } from '../../audit/retention.ts';
import type { Config } from '../../config.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { AuditSource } from '../../metrics/sources.ts';
import { AuditLog } from './audit-log.ts';

/** What it is made from. */
export interface TrailParts {
  readonly config: Pick<Config, 'retention' | 'ledgerMaxSize'>;
  readonly ledger: Ledger;
  readonly auditLog: Logger;
  readonly metrics: Pick<Metrics, 'countRemoved'>;
  /** There are further lines; may only take note. */
  readonly onAdd: () => void;
}

/** Writes the audit log and removes what is old, until the signal aborts. */
export class Trail {
  readonly #parts: TrailParts;
  readonly #log: AuditLog;

  constructor(parts: TrailParts) {
    this.#parts = parts;
    const { ledger, auditLog: log, onAdd } = parts;
    this.#log = new AuditLog({ history: ledger.history, log, clock: SYSTEM_CLOCK, onAdd });
  }

  /** Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    const { config, ledger, metrics } = this.#parts;
    const bounds = {
      space: ledger.space,
      maxAgeMs: config.retention,
      maxBytes: config.ledgerMaxSize,
      clock: SYSTEM_CLOCK,
      onRemoved: metrics.countRemoved,
    };
    await Promise.all([this.#log.run(signal), retain(bounds, signal)]);
  }
}

/** Where the numbers of the trail come from. */
export function auditSource({ history, space }: Ledger): AuditSource {
  return {
    flips: () => history.flips(),
    disagreements: () => history.disagreements(),
    ledgerSpace: () => space.space(),
  };
}
