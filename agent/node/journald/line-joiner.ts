// Puts the lines together again that journald took apart: systemd.journal-fields(7), _LINE_BREAK=.
import type { Arrival } from './arrival.ts';
import type { ExportEntry } from './export-format.ts';

/**
 * containerd takes 32 KiB of a verifier's output, and quoting makes up to four characters of a byte;
 * a line longer than this is not read.
 */
export const MAX_LINE_BYTES = 256 * 1024;

/** journald files the parts of a line one after the other; only what others wrote at the same time is between. */
export const MAX_HELD = 256;

/** By the clock of the journal, so that reading it again gives the same lines. */
export const MAX_OPEN_US = 5_000_000;

/** Streams whose line was given up; a stream is gone with its process. */
const MAX_GIVEN_UP = 64;

const LINE_MAX = 'line-max';
const END_OF_STREAM = 'eof';

/** Who wrote a line; the parts of one have all of it in common. */
const WRITER = ['_SYSTEMD_UNIT', '_UID', '_PID', '_EXE', '_TRANSPORT'] as const;

/** A place in the order of arrivals whose entry may not be known yet. */
interface Held extends Arrival {
  entry: ExportEntry | undefined;
}

interface OpenLine {
  readonly first: ExportEntry;
  readonly sinceUs: number;
  readonly parts: Buffer[];
  bytes: number;
  isWhole: boolean;
  last: Held;
}

/**
 * journald cuts a line of a stream at 48 KiB, at a NUL, and where the writer's process changes. The
 * first part might then pass for a line, and so might the second, which begins with whatever an
 * attacker put there (the reason of a verifier, the name of an image). So nothing of a stream counts
 * until its line is whole. Cut by length, the parts become one entry, with the position of the last
 * part; cut otherwise, too long, ended with its stream, or by several writers, it is one entry that is
 * `truncated`. Until then everything after it is held back, so that no position is between two parts.
 */
export class LineJoiner {
  readonly #open = new Map<string, OpenLine>();
  #givenUp = new Set<string>();
  #held: Held[] = [];

  /** Takes the next arrivals and returns those that can be told of now, in their order. */
  join(arrivals: readonly Arrival[]): readonly Arrival[] {
    if (this.#held.length === 0 && !arrivals.some(({ entry }) => this.#isPart(entry))) {
      return arrivals;
    }
    const released: Arrival[] = [];
    for (const arrival of arrivals) {
      this.#take(arrival);
      this.#giveUp(arrival.position.realtimeUs);
      if (this.#open.size === 0) released.push(...this.#release());
    }
    return released;
  }

  /** Gives up on the lines that are open, because nothing more comes, and returns all that was held. */
  flush(): readonly Arrival[] {
    for (const [stream, line] of this.#open) this.#break(stream, line);
    return this.#release();
  }

  /** Forgets what is held: it will be read again. */
  reset(): void {
    this.#open.clear();
    this.#held = [];
  }

  #isPart(entry: ExportEntry | undefined): boolean {
    if (entry === undefined) return false;
    if (entry.fields.has('_LINE_BREAK')) return true;
    return this.#givenUp.size > 0 && this.#givenUp.has(streamOf(entry));
  }

  #take(arrival: Arrival): void {
    const held: Held = { ...arrival };
    this.#held.push(held);
    if (held.entry === undefined) return;
    const stream = streamOf(held.entry);
    const line = this.#open.get(stream);
    if (line !== undefined || this.#isPart(held.entry)) this.#add(stream, line, held, held.entry);
  }

  #add(stream: string, known: OpenLine | undefined, held: Held, part: ExportEntry): void {
    const isContinued = this.#givenUp.delete(stream);
    const line = known ?? openLine(held, part, isContinued);
    const bytes = part.fields.get('MESSAGE') ?? Buffer.alloc(0);
    const lineBreak = part.fields.latin1('_LINE_BREAK');
    line.bytes += bytes.length;
    line.isWhole &&=
      line.bytes <= MAX_LINE_BYTES &&
      !part.truncated &&
      (lineBreak ?? LINE_MAX) === LINE_MAX &&
      isOfSameWriter(line.first, part);
    if (line.isWhole) line.parts.push(bytes);
    held.entry = undefined;
    line.last = held;
    const isOver = lineBreak === undefined || lineBreak === END_OF_STREAM;
    if (isOver) {
      held.entry = joined(line);
      this.#open.delete(stream);
    } else this.#open.set(stream, line);
  }

  #giveUp(nowUs: number): void {
    const isFull = this.#held.length > MAX_HELD;
    for (const [stream, line] of this.#open) {
      if (isFull || nowUs - line.sinceUs > MAX_OPEN_US) this.#break(stream, line);
    }
  }

  // What comes next of this stream begins in the middle of a line.
  #break(stream: string, line: OpenLine): void {
    line.isWhole = false;
    line.last.entry = joined(line);
    this.#open.delete(stream);
    // Of a set that is cleared the old table keeps all that comes later, until a full collection.
    if (this.#givenUp.size === MAX_GIVEN_UP) this.#givenUp = new Set();
    this.#givenUp.add(stream);
  }

  #release(): readonly Arrival[] {
    const released = this.#held;
    this.#held = [];
    return released;
  }
}

function openLine(last: Held, first: ExportEntry, isContinued: boolean): OpenLine {
  const sinceUs = last.position.realtimeUs;
  return { first, sinceUs, parts: [], bytes: 0, isWhole: !isContinued, last };
}

// Of a broken line the beginning is kept, for a person to see what it was.
function joined({ first, parts, isWhole }: OpenLine): ExportEntry {
  const fields = isWhole ? first.fields.with('MESSAGE', Buffer.concat(parts)) : first.fields;
  return { fields, truncated: !isWhole };
}

// Entries outside of a stream are never cut, and have none of these fields.
function streamOf({ fields }: ExportEntry): string {
  return fields.latin1('_STREAM_ID') ?? '';
}

function isOfSameWriter(a: ExportEntry, b: ExportEntry): boolean {
  return WRITER.every((name) => {
    const [one, other] = [a.fields.get(name), b.fields.get(name)];
    return one === undefined ? other === undefined : other?.equals(one) === true;
  });
}
