// What containerd and the pull verifier said: the journal into the ledger.
import type { Logger } from 'pino';
import type { JournalEffect, PullVerdict } from '../../audit/journal-effects.ts';
import { intakeJournal, type JournalItem } from '../../audit/journal-intake.ts';
import type { Ledger } from '../../audit/ledger.ts';
import type { OwnImages } from '../../enforcement/own-images.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { type FollowIncident, followJournal } from '../../node/journald/follow.ts';
import type { JournalSource } from '../../node/journald/journalctl.ts';
import { readEntry } from '../../node/journald/reading.ts';
import { exceptCanary } from './canary.ts';

/** What following the journal needs. */
export interface JournalParts {
  readonly source: JournalSource;
  /** The verifier's executable, as a path on the host. */
  readonly verifierPath: string;
  readonly ledger: Ledger;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly now: () => Date;
  /** The images whose pulls are not to be counted. */
  readonly canaries: OwnImages;
  /** Something that may change whether this node enforces. */
  readonly onTurn: (at: Date) => void;
}

/** The ledger's name for this journal. */
const SOURCE = 'journald';
/** A first start on a node with months of journal must not take them all in. */
const FIRST_LOOK_BACK_MS = 60 * 60 * 1000;
const MICROSECONDS = 1_000_000;
/** containerd runs with another configuration than before, or tells that it bypasses verifiers. */
const TURNS: ReadonlySet<string> = new Set(['containerd_booted', 'pull_fallback']);

/** The journal of containerd's unit. */
export class Journal {
  readonly #parts: JournalParts;
  /** How far behind its writing the last entry was recorded; null before the first. */
  lagSeconds: number | null = null;

  constructor(parts: JournalParts) {
    this.#parts = parts;
  }

  /** Follows from where the ledger stands until the signal aborts. Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    const { source, ledger, now } = this.#parts;
    const after = ledger.position(SOURCE);
    const batches = followJournal({
      source,
      since: new Date(now().getTime() - FIRST_LOOK_BACK_MS),
      signal,
      onIncident: (incident) => {
        this.#report(incident);
      },
      ...(after === undefined ? {} : { after }),
    });
    await intakeJournal(ledger, SOURCE, this.#read(batches), (effect) => {
      this.#tell(effect);
    });
  }

  async *#read(batches: ReturnType<typeof followJournal>): AsyncGenerator<readonly JournalItem[]> {
    const { source, verifierPath, metrics, now, canaries } = this.#parts;
    const writers = { unit: source.unit, verifierPath };
    for await (const batch of batches) {
      yield batch.map((entry) => ({
        ...entry,
        reading: exceptCanary(readEntry(entry, writers), canaries),
      }));
      // The consumer asks for more once the batch is in the ledger.
      metrics.countJournalEntries(batch.length);
      const last = batch.at(-1);
      if (last === undefined) continue;
      this.lagSeconds = Math.max(0, now().getTime() / 1000 - last.realtimeUs / MICROSECONDS);
    }
  }

  #report(incident: FollowIncident): void {
    const { metrics, log } = this.#parts;
    switch (incident.kind) {
      case 'entry_invalid':
        metrics.countJournalInvalid();
        log.warn({ code: incident.error.code }, incident.error.message);
        break;
      case 'cursor_gone':
        log.warn({ cursor: incident.position.cursor }, 'the journal no longer has where we were');
        break;
      case 'restart':
        metrics.countJournalRestart();
        log.warn({ waitMs: incident.waitMs }, incident.error.message);
        break;
    }
  }

  #tell(effect: JournalEffect): void {
    const { metrics } = this.#parts;
    if (effect.kind === 'pull_verdict') {
      this.#tellVerdict(effect.verdict);
    } else if (effect.event === 'unreadable_line') metrics.countJournalInvalid();
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
    if (decision === 'allow') log.info(fields, 'pull allowed');
    else if (mode === 'audit') log.warn(fields, `pull let in that would be refused: ${message}`);
    else log.warn(fields, `pull refused: ${message}`);
  }
}
