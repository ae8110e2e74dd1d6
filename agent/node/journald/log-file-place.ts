// How far a log file was read while it is followed: the position to keep, and the entries made of its lines.
import type { JournalEntry } from './entry.ts';
import { type LogLine, lineTimeUs } from './log-file-lines.ts';
import {
  encodePosition,
  FINGERPRINT_BYTES,
  type FileIdentity,
  fingerprintOf,
  type LogFilePosition,
  parsePosition,
} from './log-file-position.ts';
import type { FollowIncident, LogPosition } from './source.ts';

/** The `_TRANSPORT` that journald has no word for. */
export const FILE_TRANSPORT = 'file';

/** Where reading starts. */
export interface PlaceStart {
  readonly after?: LogPosition;
  readonly since: Date;
  readonly onIncident: (incident: FollowIncident) => void;
}

/** Guards that the file, the offset and the time of the last line belong together. */
export class LogFilePlace {
  readonly #onIncident: (incident: FollowIncident) => void;
  #position: LogFilePosition | undefined;
  /** The last line's time; lines without one are taken to be as old as the one before. */
  #timeUs: number;
  /** Lines up to the first that is not older are passed over. */
  #skipTo: { readonly us: number; readonly from: LogPosition | undefined } | undefined;
  #fingerprint: { readonly head: Buffer; readonly text: string } | undefined;

  constructor({ after, since, onIncident }: PlaceStart) {
    const sinceUs = since.getTime() * 1000;
    this.#onIncident = onIncident;
    this.#position = after === undefined ? undefined : parsePosition(after.cursor);
    this.#timeUs = after?.realtimeUs ?? sinceUs;
    if (after === undefined) this.#skipTo = { us: sinceUs, from: undefined };
    else if (this.#position === undefined) this.lose();
  }

  /** Undefined before anything was read, and when what was read is gone. */
  get position(): LogFilePosition | undefined {
    return this.#position;
  }

  /** Of the last line, in milliseconds since 1970. */
  get timeMs(): number {
    return this.#timeUs / 1000;
  }

  /** The file is gone: go on, wherever, with the first line that is newer than the last. */
  lose(): void {
    const from = { cursor: this.#cursor(), realtimeUs: this.#timeUs };
    this.#position = undefined;
    this.#skipTo ??= { us: this.#timeUs + 1, from };
  }

  /** The entries of lines of one file, of which `head` are the first bytes; moves behind them. */
  take(lines: readonly LogLine[], identity: FileIdentity, head: Buffer): JournalEntry[] {
    const entries: JournalEntry[] = [];
    for (const line of lines) {
      const timeUs = lineTimeUs(line.text);
      this.#timeUs = timeUs ?? this.#timeUs;
      const fingerprint = this.#fingerprintAt(head, line.end);
      this.#position = { identity, offset: line.end, fingerprint };
      if (this.#isSkipped(timeUs)) continue;
      entries.push(entryOf(line, { cursor: this.#cursor(), realtimeUs: this.#timeUs }));
    }
    return entries;
  }

  #isSkipped(timeUs: number | undefined): boolean {
    if (this.#skipTo === undefined) return false;
    if (timeUs === undefined || timeUs < this.#skipTo.us) return true;
    const { from } = this.#skipTo;
    this.#skipTo = undefined;
    const to = { cursor: this.#cursor(), realtimeUs: timeUs };
    if (from !== undefined) this.#onIncident({ kind: 'gap', from, to, entries: null });
    return false;
  }

  #cursor(): string {
    return this.#position === undefined ? '' : encodePosition(this.#position);
  }

  // One hash per file, not per line, once there is enough of it.
  #fingerprintAt(head: Buffer, offset: number): string {
    if (offset < FINGERPRINT_BYTES) return fingerprintOf(head, offset);
    if (this.#fingerprint?.head !== head) {
      this.#fingerprint = { head, text: fingerprintOf(head, offset) };
    }
    return this.#fingerprint.text;
  }
}

// No field of it is journald's: who wrote the line is not known, only that the file is root's.
function entryOf({ text, truncated }: LogLine, position: LogPosition): JournalEntry {
  return {
    ...position,
    unit: undefined,
    uid: undefined,
    exe: undefined,
    pid: undefined,
    transport: FILE_TRANSPORT,
    message: text,
    truncated,
  };
}
