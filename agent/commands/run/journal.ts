// What containerd and the pull verifier said: one source of containerd's log into the ledger.
import type { Logger } from 'pino';
import type { JournalEffect } from '../../audit/journal-effects.ts';
import { intakeJournal, type JournalItem } from '../../audit/journal-intake.ts';
import type { PullVerdict } from '../../audit/journal-reading.ts';
import type { Ledger } from '../../audit/ledger.ts';
import type { OwnImages } from '../../enforcement/own-images.ts';
import type { LogMetrics } from '../../metrics/journal.ts';
import type { LogSourceName } from '../../metrics/labels.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { JournalEntry } from '../../node/journald/entry.ts';
import type { JournalReading } from '../../node/journald/reading.ts';
import type { LogSource } from '../../node/journald/source.ts';
import { exceptCanary } from './canary.ts';
import { LogHealth } from './log-health.ts';
import { logStart } from './log-start.ts';

/** What following a source needs. */
export interface JournalParts {
  /** The ledger's name for it, too. */
  readonly name: LogSourceName;
  readonly source: LogSource;
  /** What an entry of it means. */
  readonly read: (entry: JournalEntry) => JournalReading;
  readonly ledger: Ledger;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly now: () => Date;
  /** The images whose pulls are not to be counted. */
  readonly canaries: OwnImages;
  /** Something that may change whether this node enforces. */
  readonly onTurn: (at: Date) => void;
}

/** A first start on a node with months of journal must not take them all in. */
const FIRST_LOOK_BACK_MS = 60 * 60 * 1000;
/** containerd runs with another configuration than before, or tells that it bypasses verifiers. */
const TURNS: ReadonlySet<string> = new Set(['containerd_booted', 'pull_fallback']);

/** One source of containerd's log. */
export class Journal {
  readonly #parts: JournalParts;
  readonly #metrics: LogMetrics;
  readonly #health: LogHealth;

  constructor(parts: JournalParts) {
    const { name, ledger, metrics, log, now } = parts;
    this.#parts = parts;
    this.#metrics = metrics.logOf(name);
    this.#health = new LogHealth({
      ...{ metrics: this.#metrics, log, now },
      onGap: (gap) => {
        ledger.noteGap(gap);
      },
    });
  }

  get name(): LogSourceName {
    return this.#parts.name;
  }

  /** How far behind the reading is; null before anything is known. */
  get lagSeconds(): number | null {
    return this.#health.lagSeconds;
  }

  /** Follows from where the ledger stands until the signal aborts. Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    const { name, source, ledger, now } = this.#parts;
    const after = logStart(ledger, name);
    const batches = source.follow({
      since: new Date(now().getTime() - FIRST_LOOK_BACK_MS),
      signal,
      onIncident: (incident) => {
        this.#health.report(incident);
      },
      ...(after === undefined ? {} : { after }),
    });
    await intakeJournal(ledger, name, this.#read(batches), (effect) => {
      this.#tell(effect);
    });
  }

  async *#read(
    batches: AsyncIterable<readonly JournalEntry[]>,
  ): AsyncGenerator<readonly JournalItem[]> {
    const { read, canaries } = this.#parts;
    for await (const batch of batches) {
      yield batch.map((entry) => {
        const { cursor, realtimeUs, message, pid } = entry;
        const reading = exceptCanary(read(entry), canaries);
        return { cursor, realtimeUs, message, pid, reading };
      });
      // The consumer asks for more once the batch is in the ledger.
      this.#metrics.countEntries(batch.length);
      const last = batch.at(-1);
      if (last !== undefined) this.#health.handled(last);
    }
  }

  #tell(effect: JournalEffect): void {
    if (effect.kind === 'pull_verdict') {
      this.#tellVerdict(effect.verdict);
    } else if (effect.event === 'unreadable_line') this.#metrics.countInvalid();
    else if (TURNS.has(effect.event)) this.#parts.onTurn(new Date(effect.atUs / 1000));
  }

  #tellVerdict(verdict: PullVerdict): void {
    const { metrics, log } = this.#parts;
    const { repository, digest, decision, reason, message, durationMs, skipped } = verdict;
    const { mode = 'enforce' } = verdict;
    const fields = { image: `${repository}@${digest ?? ''}`, decision, reason, mode, durationMs };
    if (mode === 'break_glass') {
      log.warn(fields, `pull let in by break-glass: ${message}`);
      return;
    }
    metrics.observeVerification('pull', decision, durationMs / 1000);
    metrics.countSkippedSignatures('pull', skipped ?? 0);
    // The audit log has a line for each verdict.
    if (decision === 'allow') log.debug(fields, 'pull allowed');
    else if (mode === 'audit') log.warn(fields, `pull let in that would be refused: ${message}`);
    else log.warn(fields, `pull refused: ${message}`);
  }
}
