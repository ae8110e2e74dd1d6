// The audit log: every line of the ledger's audit trail on stdout, once it is in the ledger, for the cluster's log system.
import type { Writable } from 'node:stream';
import { type Logger, pino } from 'pino';
import type { AuditTrail } from '../../audit/audit-trail.ts';
import type { Clock } from '../../audit/clock.ts';
import { auditDocument } from '../audit-document.ts';
import { printableJson } from '../output.ts';

/** What writing it needs. */
export interface AuditLogParts {
  readonly history: Pick<AuditTrail, 'after' | 'writtenTo' | 'recordWritten' | 'onAdd'>;
  readonly log: Pick<Logger, 'info'>;
  readonly clock: Clock;
  /** Told as well when there are further lines. */
  readonly onAdd?: () => void;
}

/** Lines that are written before it is noted that they were; so many may come twice after a crash. */
const PAGE = 100;
/** A burst of verdicts is noted as one. */
const SETTLE_MS = 50;
/** Longest time between two looks at the ledger. */
const LOOK_AGAIN_MS = 60_000;

/** The logger of the audit log: whatever level the agent's own log has, nothing of this one is left out. */
export function auditLogger(stdout: Writable): Logger {
  const write = (line: string) => {
    stdout.write(printableJson(line));
  };
  return pino({ level: 'info', base: { log: 'audit' } }, { write });
}

/**
 * Writes each line at least once and in order: how far it came is kept in the ledger, so what a crash
 * left unwritten is written by the next start. Never told what was added, it would still find it.
 */
export class AuditLog {
  readonly #parts: AuditLogParts;
  #added = new AbortController();

  constructor(parts: AuditLogParts) {
    this.#parts = parts;
    parts.history.onAdd = () => {
      this.#added.abort();
      parts.onAdd?.();
    };
  }

  /** Until the signal aborts, and then what is left. Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      this.#added = new AbortController();
      // Others have their turn between two pages of a long backlog.
      while (this.#writePage() === PAGE) await clock.sleep(0, signal);
      await clock.sleep(LOOK_AGAIN_MS, AbortSignal.any([signal, this.#added.signal]));
      await clock.sleep(SETTLE_MS, signal);
    }
    while (this.#writePage() === PAGE);
  }

  #writePage(): number {
    const { history, log } = this.#parts;
    const lines = history.after(history.writtenTo(), {}, PAGE);
    for (const line of lines) log.info(auditDocument(line), `${line.kind}: ${line.decision}`);
    const last = lines.at(-1);
    if (last !== undefined) history.recordWritten(last.id);
    return lines.length;
  }
}
