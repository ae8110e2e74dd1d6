// The node's durable record: images, verdicts, journal position. Every write is one transaction.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Verdict } from '../notation/verification/verdict.ts';
import { CanaryTable } from './canary-table.ts';
import { AuditTrail } from './audit-trail.ts';
import { atOneMoment, guard, inTransaction, openDatabase, type OpenOptions } from './database.ts';
import { type Gap, GapTable } from './gap-table.ts';
import type { ImageRecord } from './image-key.ts';
import { ImageTable, type LedgerImage } from './image-table.ts';
import { reverificationRecord } from './history-record.ts';
import type { JournalEffect } from './journal-effects.ts';
import { type EventTotal, type JournalPosition, JournalTable } from './journal-table.ts';
import { LedgerSpace } from './ledger-space.ts';
import { type Moment, MomentTable } from './moment-table.ts';
import { type Reverified, Reverifications, type Schedule } from './reverifications.ts';
import { RunningContainers } from './running-containers.ts';
import { Pulls } from './pulls.ts';
import { SignatureTable } from './signature-table.ts';
import { VerdictTable, type VerdictTotal } from './verdict-table.ts';

/** Opens the ledger at `path`, see `openDatabase`. */
export function openLedger(path: string, options?: OpenOptions): Ledger {
  return new Ledger(openDatabase(path, options));
}

/**
 * Every method throws `ledger_failed` when the file cannot be read or written; a write is then not
 * in the ledger, not even in part. Totals never shrink, so counters exported from them survive a
 * restart of the agent.
 */
export class Ledger {
  /** What was decided, line by line. */
  readonly history: AuditTrail;
  /** What became of each pull. */
  readonly pulls: Pulls;
  /** Which images are to be re-verified, and when. */
  readonly reverifications: Reverifications;
  /** Of each image one that was good. */
  readonly signatures: SignatureTable;
  /** How much room it takes. */
  readonly space: LedgerSpace;
  /** Whose pulls are not counted. */
  readonly canaries: CanaryTable;
  /** What runs on the node. */
  readonly containers: RunningContainers;
  readonly #database: DatabaseSync;
  readonly #changes: StatementSync;
  readonly #journal: JournalTable;
  readonly #verdicts: VerdictTable;
  readonly #images: ImageTable;
  readonly #moments: MomentTable;
  readonly #gaps: GapTable;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.history = new AuditTrail(database);
    this.pulls = new Pulls(database, this.history);
    this.reverifications = new Reverifications(database);
    this.signatures = new SignatureTable(database);
    this.space = new LedgerSpace(database);
    this.canaries = new CanaryTable(database);
    this.containers = new RunningContainers(database);
    this.#changes = database.prepare('SELECT total_changes() AS changes');
    this.#journal = new JournalTable(database);
    this.#verdicts = new VerdictTable(database);
    this.#images = new ImageTable(database);
    this.#moments = new MomentTable(database);
    this.#gaps = new GapTable(database);
  }

  /**
   * Records what came of the entries of a journal up to and including `position`. Position and
   * effects are one transaction: after a crash either both are there or neither, so reading on from
   * `position` loses nothing and counts nothing twice. Returns the effects that counted: those of a
   * line that another source has brought do not.
   */
  recordJournal(
    source: string,
    position: JournalPosition,
    effects: readonly JournalEffect[],
  ): readonly JournalEffect[] {
    return this.#write('record the journal', () => {
      this.#journal.moveTo(source, position);
      const fresh = this.pulls.take(source, effects, position.realtimeUs);
      this.#journal.count(fresh);
      for (const effect of fresh) {
        if (effect.kind !== 'pull_verdict') continue;
        const { repository, digest, mode = 'enforce' } = effect.verdict;
        const image = digest === null ? null : { repository, digest };
        this.#verdicts.add('pull', image, { ...effect.verdict, mode });
      }
      return fresh;
    });
  }

  /** Where to read a journal on from; undefined when it was never read. */
  position(source: string): JournalPosition | undefined {
    return guard('read the journal position', () => this.#journal.position(source));
  }

  /** Records an image record of containerd. Returns whether it is new or names another image now. */
  recordImage(record: ImageRecord, now: Date): boolean {
    return this.#write('record an image', () => this.#images.record(record, now));
  }

  /** Removes a record that containerd no longer has. Returns whether the ledger had it. */
  forgetImage(name: string): boolean {
    return this.#write('forget an image', () => this.#images.forget(name));
  }

  /**
   * Makes the ledger's records those of a complete list, and drops the oldest verdicts on images that
   * are not here. Returns whether anything changed.
   */
  reconcileImages(records: readonly ImageRecord[], now: Date): boolean {
    return this.#write('reconcile the images', () => {
      this.#moments.last('images_listed', now);
      const gone = new Set(this.#images.names());
      let changed = false;
      for (const record of records) {
        changed = this.#images.record(record, now) || changed;
        gone.delete(record.name);
      }
      for (const name of gone) this.#images.forget(name);
      this.#verdicts.prune();
      this.history.prune();
      this.pulls.prune();
      this.signatures.prune();
      return changed || gone.size > 0;
    });
  }

  /** Records the verdict of a re-verification and when the next one is due. */
  recordReverification(image: Reverified['image'], verdict: Verdict, schedule: Schedule): void {
    this.recordReverifications([{ image, verdict, schedule }]);
  }

  /** The same of several in one transaction. */
  recordReverifications(verified: readonly Reverified[]): void {
    this.#write('record re-verifications', () => {
      this.signatures.settle();
      for (const { image, verdict, schedule } of verified) {
        this.#verdicts.add('reverification', image, { ...verdict, mode: 'none' });
        this.reverifications.schedule(image, schedule);
        this.history.add(reverificationRecord(image, verdict));
      }
    });
  }

  /** The images on the node, each once however many names it has. */
  images(): LedgerImage[] {
    return [...this.eachImage()];
  }

  /** The same one by one, which takes no memory for the rest; the ledger may not be written meanwhile. */
  *eachImage(): Generator<LedgerImage, void, undefined> {
    const watch = guard('read the moments', () => ({
      ...this.#moments.watch(),
      gaps: this.#gaps.all(),
    }));
    const images = this.#images.each(watch);
    for (;;) {
      const next = guard('read the images', () => images.next());
      if (next.done === true) return;
      yield next.value;
    }
  }

  /** What `work` reads is all of one moment, whatever the agent writes meanwhile. */
  atOneMoment<T>(work: () => T): T {
    return guard('read the ledger', () => atOneMoment(this.#database, work));
  }

  /** Notes when the ledger began, or when our verifier was first installed; the earliest counts. */
  noteFirst(moment: 'began' | 'installed', at: Date): void {
    this.#write(`note when it ${moment}`, () => this.#moments.first(moment, at));
  }

  /** Notes that lines of the log were lost. Must be called before what follows them is recorded. */
  noteGap(gap: Gap): void {
    this.#write('note a gap', () => {
      this.#gaps.add(gap);
    });
  }

  /** Another after each write: while it is the same, whatever was read is as it was. Only of one who writes. */
  get changes(): number {
    return guard('count the changes', () => Number(this.#changes.get()?.['changes']));
  }

  /** When something was noted; null when it never was. */
  moment(name: Moment): Date | null {
    return guard('read a moment', () => this.#moments.at(name));
  }

  /** Verdicts by source, decision, reason and mode, since the ledger began. */
  totals(): VerdictTotal[] {
    return guard('read the totals', () => this.#verdicts.totals());
  }

  /** Events of the journal, since the ledger began. */
  events(): EventTotal[] {
    return guard('read the events', () => this.#journal.totals());
  }

  close(): void {
    guard('close', () => this.#database.close());
  }

  #write<T>(attempt: string, work: () => T): T {
    return guard(attempt, () => inTransaction(this.#database, work));
  }
}
