// What an upload brings, as entries: whole lines of our unit, each once, and the place after them.
import { AgentError } from '../../errors.ts';
import { type Arrival, Arrivals } from './arrival.ts';
import { ENTRY_FIELDS, type JournalEntry, toEntryAt } from './entry.ts';
import { ExportFields, WantedFields } from './export-fields.ts';
import { type ExportEntry, ExportParser } from './export-format.ts';
import { LineJoiner } from './line-joiner.ts';
import type { FollowIncident, FollowRequest, LogPosition } from './source.ts';
import { UploadPlace } from './upload-place.ts';

/** One body after the other; the place outlives them. */
export class UploadIntake {
  readonly #arrivals: Arrivals;
  readonly #moreFields: readonly string[];
  readonly #place: UploadPlace;
  readonly #sinceUs: number;
  readonly #onIncident: (incident: FollowIncident) => void;
  #joiner = new LineJoiner();
  #parser: ExportParser;
  #hasMoved = false;

  constructor(
    { after, since, onIncident }: Omit<FollowRequest, 'signal'>,
    { unit, moreFields = [] }: { readonly unit: string; readonly moreFields?: readonly string[] },
  ) {
    this.#arrivals = new Arrivals(unit);
    this.#moreFields = moreFields;
    this.#place = new UploadPlace(after);
    this.#sinceUs = after === undefined ? since.getTime() * 1000 : 0;
    this.#onIncident = onIncident;
    this.#parser = this.#createParser();
  }

  /** A body begins. What is left of one that was cut off is sent again, and is forgotten. */
  begin(): void {
    this.#parser = this.#createParser();
    this.#joiner = new LineJoiner();
  }

  /** Takes the next bytes of the body. */
  take(chunk: Buffer): readonly JournalEntry[] {
    const arrivals: Arrival[] = [];
    for (const exported of this.#parser.feed(chunk)) {
      const arrival = this.#read(exported);
      if (arrival !== undefined) arrivals.push(arrival);
    }
    return this.#release(this.#joiner.join(arrivals));
  }

  /** Whether the body, if it ended here, would end within an entry. */
  get isUnfinished(): boolean {
    return this.#parser.isUnfinished;
  }

  /**
   * The body has ended. If none of its last entries was of our unit, the result ends with one that
   * says nothing, so that its place is kept: what follows it would else look like a gap.
   */
  end(): readonly JournalEntry[] {
    const entries = this.#release(this.#joiner.flush());
    const { last } = this.#place;
    if (!this.#hasMoved || last === undefined) return entries;
    this.#hasMoved = false;
    const position = this.#place.moveTo(last);
    return [
      ...entries,
      toEntryAt(position, { fields: new ExportFields(new WantedFields([])), truncated: false }),
    ];
  }

  #createParser(): ExportParser {
    return new ExportParser([...ENTRY_FIELDS, ...this.#moreFields], (error) => {
      this.#onIncident({ kind: 'entry_invalid', error });
    });
  }

  #read(exported: ExportEntry): Arrival | undefined {
    try {
      const arrival = this.#arrivals.read(exported);
      const { cursor, realtimeUs } = arrival.position;
      return realtimeUs >= this.#sinceUs && this.#place.isNew(cursor) ? arrival : undefined;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#onIncident({ kind: 'entry_invalid', error });
      return undefined;
    }
  }

  #release(arrivals: readonly Arrival[]): JournalEntry[] {
    const entries: JournalEntry[] = [];
    for (const { position, entry, suppressed } of arrivals) {
      // Within one body an entry may be there twice, as around a rotation.
      if (!this.#place.isNew(position.cursor)) continue;
      if (suppressed > 0)
        this.#onIncident({ kind: 'suppressed', entries: suppressed, at: position });
      this.#reportMissing(position);
      const moved = this.#place.moveTo(position);
      this.#hasMoved = entry === undefined;
      if (entry !== undefined) entries.push(toEntryAt(moved, entry, this.#moreFields));
    }
    return entries;
  }

  #reportMissing(to: LogPosition): void {
    const entries = this.#place.missingBefore(to.cursor);
    const from = this.#place.last;
    if (entries === null || entries === 0 || from === undefined) return;
    this.#onIncident({ kind: 'gap', from, to, entries });
  }
}
