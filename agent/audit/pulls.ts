// The ledger's pulls: lines in, each pull once out, whatever the order of the sources and wherever a run was cut off.
import type { DatabaseSync } from 'node:sqlite';
import type { Digest } from '../oci/digest.ts';
import type { AuditTrail } from './audit-trail.ts';
import { guard, inTransaction } from './database.ts';
import type { JournalEffect } from './journal-effects.ts';
import { LineOrder, NEW_SOURCE, type SourceState } from './line-order.ts';
import { joinLine, type PullChange } from './pull-join.ts';
import { type PullLine, pullRecord } from './pull-line.ts';
import { countOf, settled } from './pull-settlement.ts';
import { type LastPull, PullTable, type PullTotal } from './pull-table.ts';

/** A source whose clock is set back by more than this has a new clock: its old times say nothing now. */
const CLOCK_BACK_US = 60_000_000;

/**
 * Everything is decided by the times of the lines. With several sources, lines wait until none can
 * bring an earlier one, and are then taken in the order of their times; so the result is that of one
 * source with all lines, in whatever order they came. State is in the ledger alone, and is written in
 * the transaction of the position: reading on after a crash gives what an uninterrupted run would.
 *
 * All but `take` throw `ledger_failed`.
 */
export class Pulls {
  readonly #database: DatabaseSync;
  readonly #history: AuditTrail;
  readonly #order: LineOrder;
  readonly #table: PullTable;
  /** Told of a pull that came in without a verdict of ours, before its transaction ends; may only take note. */
  onUnjudged: (at: Date) => void = () => {};
  /** At or before the time when the next pull is due. */
  #dueUs = -Infinity;

  constructor(database: DatabaseSync, history: AuditTrail) {
    this.#database = database;
    this.#history = history;
    this.#order = new LineOrder(database);
    this.#table = new PullTable(database);
  }

  /**
   * Names the sources that there are from now on. One that is new beside others brings news only: what
   * is older, they have told of.
   */
  follow(names: readonly string[]): void {
    this.#write('name the sources of lines', () => {
      const before = this.#order.sources();
      const floorUs = passedBy(before) ?? 0;
      for (const name of before.keys()) if (!names.includes(name)) this.#order.drop(name);
      for (const name of names) {
        if (!before.has(name)) this.#order.keep(name, { ...NEW_SOURCE, floorUs });
      }
      if (names.length <= 1) this.#takeWaiting(Infinity);
    });
  }

  /**
   * Takes the lines that a source brings. Returns the effects that count: those of no line that
   * another source has brought. Must be called in a transaction.
   */
  take(source: string, effects: readonly JournalEffect[], readUs: number): JournalEffect[] {
    this.#dueUs = -Infinity;
    const sources = this.#order.sources();
    const state = sources.get(source) ?? { ...NEW_SOURCE };
    sources.set(source, state);
    const isAlone = sources.size === 1;
    const fresh = effects.filter((effect) => this.#admit(source, state, effect, readUs, isAlone));
    if (effects.length > 0) this.#order.keep(source, state);
    const passedUs = passedBy(sources);
    if (passedUs !== null) this.#pass(passedUs, isAlone);
    return fresh;
  }

  #admit(
    source: string,
    state: SourceState,
    effect: JournalEffect,
    readUs: number,
    isAlone: boolean,
  ): boolean {
    const { atUs: timeUs = readUs, identity } = effect;
    const line = lineOf(effect);
    if (timeUs < state.floorUs) return false;
    // A clock that is set back later must not make it wait.
    state.floorUs = 0;
    if (state.frontierUs !== null && timeUs < state.frontierUs - CLOCK_BACK_US) {
      this.#finishAll();
      state.frontierUs = timeUs;
      state.silentUs = 0;
    }
    state.frontierUs = Math.max(state.frontierUs ?? timeUs, timeUs);
    state.lines += 1;
    if (isAlone) {
      if (line !== undefined) this.#join(line, state.frontierUs);
      return true;
    }
    const place = { atUs: state.frontierUs, source, number: state.lines };
    return this.#order.add(identity, place, line === undefined ? null : JSON.stringify(line));
  }

  /**
   * Says that no source will bring a line from before `through`, although none has brought one from
   * after it: the log is silent. Should one come all the same, it is still of one pull, which may then
   * have been counted without it.
   */
  settle(through: Date): void {
    const throughUs = through.getTime() * 1000;
    // An idle node is not to write every few seconds that it is idle.
    const isIdle = guard('look for pulls to settle', () => this.#isSettled(throughUs));
    if (isIdle) return;
    this.#write('settle the pulls', () => {
      this.#dueUs = -Infinity;
      const sources = this.#order.sources();
      for (const [name, state] of sources) {
        // The clock may have been ahead when this was said last.
        const isAhead = state.silentUs > throughUs + CLOCK_BACK_US;
        state.silentUs = isAhead ? throughUs : Math.max(state.silentUs, throughUs);
        this.#order.keep(name, state);
      }
      this.#pass(passedBy(sources) ?? 0, sources.size <= 1);
    });
  }

  #isSettled(throughUs: number): boolean {
    return this.#table.nextDueUs() >= throughUs && !this.#order.isWaiting();
  }

  /** The last pull of an image that is counted; null when none is known. */
  last(repository: string, digest: Digest): LastPull | null {
    return guard('read the last pull', () => this.#table.last(repository, digest));
  }

  /** Pulls by what they were counted as, since the ledger began. */
  totals(): PullTotal[] {
    return guard('read the totals of pulls', () => this.#table.totals());
  }

  /** Drops what is known of the oldest pulls of images that are not here. Must be called in a transaction. */
  prune(): void {
    this.#table.prune();
  }

  // No line from before that time is to come.
  #pass(passedUs: number, isAlone: boolean): void {
    if (!isAlone) this.#takeWaiting(passedUs);
    this.#settleBefore(passedUs);
    if (!isAlone) this.#order.forget(passedUs);
  }

  #takeWaiting(beforeUs: number): void {
    for (const { line, atUs } of this.#order.take(beforeUs)) {
      this.#join(JSON.parse(line) as PullLine, atUs);
    }
  }

  // Before each line, so that it makes no difference where one batch ends and the next begins.
  #join(line: PullLine, atUs: number): void {
    this.#settleBefore(atUs);
    for (const change of joinLine(this.#table, line, atUs)) this.#apply(change);
  }

  #apply(change: PullChange): void {
    if ('dropped' in change) {
      this.#table.drop(change.dropped);
      return;
    }
    const { pull, isCounted = false, told, isContradicted = false } = change;
    const historyId = told === undefined ? pull.historyId : this.#history.add(told);
    if (isContradicted && historyId !== null) this.#history.contradict(historyId);
    this.#table.put({ ...pull, historyId });
    if (isCounted) this.#table.count(countOf(pull));
    this.#dueUs = Math.min(this.#dueUs, pull.dueUs);
  }

  #settleBefore(beforeUs: number): void {
    while (this.#dueUs < beforeUs) {
      for (const pull of this.#table.due(beforeUs)) {
        if (pull.counted !== null) {
          if (pull.id !== null) this.#table.close(pull.id);
          continue;
        }
        const { pull: counted, told } = settled(pull);
        const historyId = told === null ? null : this.#history.add(told);
        this.#table.put({ ...counted, historyId });
        this.#table.count(countOf(counted));
        if (counted.counted === 'unjudged') {
          this.onUnjudged(new Date((pull.endedUs ?? pull.judgedUs ?? pull.dueUs) / 1000));
        }
      }
      this.#dueUs = this.#table.nextDueUs();
    }
  }

  // The times of what is open cannot be compared with those to come.
  #finishAll(): void {
    this.#takeWaiting(Infinity);
    this.#dueUs = -Infinity;
    this.#settleBefore(Infinity);
  }

  #write(attempt: string, work: () => void): void {
    guard(attempt, () => {
      inTransaction(this.#database, work);
    });
  }
}

function lineOf(effect: JournalEffect): PullLine | undefined {
  return effect.kind === 'pull_verdict'
    ? { kind: 'verdict', verdict: pullRecord(effect.verdict) }
    : effect.line;
}

/** The time that every source has passed; null while one has not begun. */
function passedBy(sources: ReadonlyMap<string, SourceState>): number | null {
  const passed = [...sources.values()].map(({ frontierUs, silentUs }) =>
    Math.max(frontierUs ?? 0, silentUs),
  );
  const least = Math.min(...passed);
  return passed.length === 0 || least === 0 ? null : least;
}
