// Lines of a log file, however its bytes are cut, and the time that containerd gave each.
import { AgentError } from '../../errors.ts';
import { parseContainerdLine } from './containerd-line.ts';

/** One line that is not empty. */
export interface LogLine {
  /** Without its line end; invalid UTF-8 replaced. */
  readonly text: string;
  /** It was longer than `MAX_LOG_LINE_BYTES`, or its file ended before it did. */
  readonly truncated: boolean;
  /** Bytes from the start of the file to the end of the line. */
  readonly end: number;
}

/** As much as of a line of the journal: 32 KiB of a verifier's output, of which quoting makes four times as much. */
export const MAX_LOG_LINE_BYTES = 256 * 1024;

const NEWLINE = 0x0a;
const NOTHING = Buffer.alloc(0);

/** Splits bytes into lines. Holds at most one line's worth of them, however long the line is. */
export class LineSplitter {
  #offset: number;
  #pending: Buffer = NOTHING;
  #isTooLong = false;

  /** `offset` is where in the file the first bytes will be from. */
  constructor(offset: number) {
    this.#offset = offset;
  }

  /** Takes the next bytes and returns the lines that they complete. */
  feed(chunk: Buffer): LogLine[] {
    const lines: LogLine[] = [];
    let at = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, at)) {
      this.#keep(chunk.subarray(at, end));
      this.#offset += 1;
      at = end + 1;
      lines.push(...this.#take(false));
    }
    this.#keep(chunk.subarray(at));
    return lines;
  }

  /** Takes what is left where nothing will be added to the file any more. */
  end(): LogLine[] {
    return this.#take(true);
  }

  #keep(bytes: Buffer): void {
    this.#offset += bytes.length;
    const isFirst = this.#pending.length === 0;
    const kept = isFirst ? withoutHole(bytes) : bytes;
    const room = MAX_LOG_LINE_BYTES - this.#pending.length;
    if (kept.length > room) this.#isTooLong = true;
    if (kept.length > 0 && room > 0) {
      this.#pending = Buffer.concat([this.#pending, kept.subarray(0, room)]);
    }
  }

  #take(isUnfinished: boolean): LogLine[] {
    const truncated = this.#isTooLong || isUnfinished;
    const text = this.#pending.toString();
    this.#pending = NOTHING;
    this.#isTooLong = false;
    return text === '' ? [] : [{ text, truncated, end: this.#offset }];
  }
}

// A writer that does not append leaves a hole of zeros where others truncate its file.
function withoutHole(bytes: Buffer): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  return start < 0 ? NOTHING : bytes.subarray(start);
}

const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/**
 * The time in a line of containerd, in microseconds since 1970; undefined for a line without, as raw
 * lines of shims are. Whether containerd wrote the line is not checked.
 */
export function lineTimeUs(text: string): number | undefined {
  const [, seconds = '', fraction = '', zone = ''] = RFC3339.exec(timeOf(text) ?? '') ?? [];
  const ms = Date.parse(seconds + zone);
  if (Number.isNaN(ms) || ms < 0) return undefined;
  return ms * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
}

function timeOf(text: string): string | undefined {
  if (!text.startsWith('{')) return /^time="([^"]{1,40})" /.exec(text)?.[1];
  try {
    return parseContainerdLine(text).time;
  } catch (error) {
    if (error instanceof AgentError) return undefined;
    throw error;
  }
}
