// Journal Export Format: systemd, JOURNAL_EXPORT_FORMATS.md. Bytes of a stream in, entries out, however the stream is cut.
import { AgentError } from '../../errors.ts';
import { ExportFields, WantedFields } from './export-fields.ts';

/** One entry, as far as it was asked for. */
export interface ExportEntry {
  readonly fields: ExportFields;
  /** A wanted value was cut at `MAX_VALUE_BYTES`, or the entry had more than `MAX_ENTRY_FIELDS`. */
  readonly truncated: boolean;
}

/** journald cuts lines at 48 KiB (`LineMax`); what is longer did not come from a log line. */
export const MAX_VALUE_BYTES = 64 * 1024;
/** journald's own `DATA_SIZE_MAX`: a longer length is not a length, so the framing is lost. */
export const MAX_SKIPPED_BYTES = 768 * 1024 * 1024;
/** journald stores at most 1024 fields; the rest is what export adds. */
export const MAX_ENTRY_FIELDS = 1100;
/** journald refuses longer names. */
export const MAX_NAME_BYTES = 64;

const NEWLINE = 0x0a;
const EQUALS = 0x3d;
const LENGTH_BYTES = 8;
const NOTHING = Buffer.alloc(0);

type State = 'field' | 'skip-value' | 'skip-line' | 'resync';

/**
 * Parses the stream incrementally. Only wanted values are kept, each up to `MAX_VALUE_BYTES`, so
 * memory is bounded whatever is sent. An oversize field or entry keeps its framing and sets
 * `truncated`: were the parser to lose its place there, a hostile writer could place a whole forged
 * entry inside a long value. Only bytes that no journal writes (a bad name, an impossible length, a
 * value not ended by a newline) lose the place: the entry is dropped, `malformed` counts it,
 * `onMalformed` gets a `journal_entry_invalid`, and reading resumes after the next blank line.
 * Nothing is thrown. What an unfinished stream leaves behind is never an entry.
 */
export class ExportParser {
  malformed = 0;
  readonly #wanted: WantedFields;
  readonly #places: ReadonlyMap<number, readonly WantedName[]>;
  readonly #onMalformed: (error: AgentError) => void;
  #state: State = 'field';
  #pending: Buffer = NOTHING;
  #skipBytes = 0;
  #fields: ExportFields;
  #fieldCount = 0;
  #truncated = false;

  constructor(wanted: readonly string[], onMalformed: (error: AgentError) => void = () => {}) {
    this.#wanted = new WantedFields(wanted);
    this.#places = indexNames(this.#wanted.names);
    this.#fields = new ExportFields(this.#wanted);
    this.#onMalformed = onMalformed;
  }

  /** Takes the next bytes of the stream and returns the entries that they complete. */
  feed(chunk: Buffer): ExportEntry[] {
    const entries: ExportEntry[] = [];
    // A field that was cut mostly ends with its line: no more than that has to be copied.
    const lineEnd = this.#pending.length === 0 ? 0 : chunk.indexOf(NEWLINE) + 1;
    for (const piece of [chunk.subarray(0, lineEnd), chunk.subarray(lineEnd)]) {
      if (piece.length > 0) this.#read(this.#withPending(piece), entries);
    }
    return entries;
  }

  /** Whether the stream, if it ended here, would end within an entry. */
  get isUnfinished(): boolean {
    return this.#pending.length > 0 || this.#state !== 'field' || this.#fieldCount > 0;
  }

  #withPending(piece: Buffer): Buffer {
    return this.#pending.length === 0 ? piece : Buffer.concat([this.#pending, piece]);
  }

  #read(bytes: Buffer, entries: ExportEntry[]): void {
    let at = 0;
    while (at < bytes.length) {
      const next = this.#step(bytes, at, entries);
      if (next === at) break;
      at = next;
    }
    this.#pending = at === bytes.length ? NOTHING : bytes.subarray(at);
  }

  // Each step returns where the next one starts, or `at` when it needs more bytes than there are.
  #step(bytes: Buffer, at: number, entries: ExportEntry[]): number {
    switch (this.#state) {
      case 'field':
        return bytes[at] === NEWLINE ? this.#endEntry(at, entries) : this.#field(bytes, at);
      case 'skip-value':
        return this.#skipValue(bytes, at);
      case 'skip-line':
        return this.#skipLine(bytes, at);
      case 'resync':
        return this.#resync(bytes, at);
    }
  }

  #endEntry(at: number, entries: ExportEntry[]): number {
    if (this.#fieldCount > 0) entries.push({ fields: this.#fields, truncated: this.#truncated });
    this.#reset();
    return at + 1;
  }

  #field(bytes: Buffer, at: number): number {
    const nameEnd = endOfName(bytes, at);
    const delimiter = bytes[nameEnd];
    if (nameEnd - at > MAX_NAME_BYTES || nameEnd === at)
      return this.#lose(bytes, at, 'a field name');
    if (delimiter === undefined) return at;
    const place = this.#fieldCount < MAX_ENTRY_FIELDS ? this.#find(bytes, at, nameEnd) : undefined;
    if (delimiter === EQUALS) return this.#textValue(bytes, at, nameEnd + 1, place);
    if (delimiter === NEWLINE) return this.#binaryValue(bytes, at, nameEnd + 1, place);
    return this.#lose(bytes, at, '"=" or a line end after a field name');
  }

  #textValue(bytes: Buffer, at: number, start: number, place: number | undefined): number {
    const end = bytes.indexOf(NEWLINE, start);
    const available = (end < 0 ? bytes.length : end) - start;
    if (end < 0 && place !== undefined && available <= MAX_VALUE_BYTES) return at;
    this.#keep(place, bytes, start, available);
    if (end >= 0) return end + 1;
    this.#state = 'skip-line';
    return bytes.length;
  }

  #binaryValue(bytes: Buffer, at: number, lengthAt: number, place: number | undefined): number {
    const start = lengthAt + LENGTH_BYTES;
    if (bytes.length < start) return at;
    const length = bytes.readUInt32LE(lengthAt);
    if (bytes.readUInt32LE(lengthAt + 4) !== 0 || length > MAX_SKIPPED_BYTES) {
      return this.#lose(bytes, at, `a length of at most ${MAX_SKIPPED_BYTES} bytes`);
    }
    if (place !== undefined && bytes.length < start + Math.min(length, MAX_VALUE_BYTES)) return at;
    this.#keep(place, bytes, start, length);
    this.#skipBytes = length;
    this.#state = 'skip-value';
    return start;
  }

  #keep(place: number | undefined, bytes: Buffer, start: number, length: number): void {
    this.#fieldCount += 1;
    if (this.#fieldCount > MAX_ENTRY_FIELDS) this.#truncated = true;
    if (place === undefined || this.#fields.hasAt(place)) return;
    if (length > MAX_VALUE_BYTES) this.#truncated = true;
    this.#fields.keepAt(place, bytes, start, start + Math.min(length, MAX_VALUE_BYTES));
  }

  #skipValue(bytes: Buffer, at: number): number {
    const skipped = Math.min(this.#skipBytes, bytes.length - at);
    this.#skipBytes -= skipped;
    const end = at + skipped;
    if (end === bytes.length) return end;
    if (bytes[end] !== NEWLINE) return this.#lose(bytes, end, 'a line end after a value');
    this.#state = 'field';
    return end + 1;
  }

  #skipLine(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(NEWLINE, at);
    if (end < 0) return bytes.length;
    this.#state = 'field';
    return end + 1;
  }

  #resync(bytes: Buffer, at: number): number {
    const blank = bytes.indexOf('\n\n', at);
    if (blank < 0) return bytes[bytes.length - 1] === NEWLINE ? bytes.length - 1 : bytes.length;
    this.#reset();
    return blank + 2;
  }

  #lose(bytes: Buffer, at: number, expected: string): number {
    this.malformed += 1;
    const found = JSON.stringify(bytes.toString('latin1', at, at + 40));
    const message = `journal entry: expected ${expected}, found ${found}`;
    this.#onMalformed(new AgentError('journal_entry_invalid', message));
    this.#state = 'resync';
    return this.#resync(bytes, at);
  }

  #reset(): void {
    this.#state = 'field';
    this.#fields = new ExportFields(this.#wanted);
    this.#fieldCount = 0;
    this.#truncated = false;
  }

  #find(bytes: Buffer, at: number, nameEnd: number): number | undefined {
    const candidates = this.#places.get(nameKey(bytes, at, nameEnd));
    if (candidates === undefined) return undefined;
    for (const { name, place } of candidates) if (startsWith(bytes, at, name)) return place;
    return undefined;
  }
}

interface WantedName {
  readonly name: Buffer;
  /** Among the wanted ones. */
  readonly place: number;
}

// Unwanted names are the majority: they are told by length, third and last byte, without a string.
function indexNames(names: readonly string[]): ReadonlyMap<number, readonly WantedName[]> {
  const index = new Map<number, WantedName[]>();
  for (const [place, text] of names.entries()) {
    const name = Buffer.from(text, 'latin1');
    const key = nameKey(name, 0, name.length);
    index.set(key, [...(index.get(key) ?? []), { name, place }]);
  }
  return index;
}

function nameKey(bytes: Buffer, at: number, end: number): number {
  return ((end - at) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[end - 1] ?? 0);
}

function startsWith(bytes: Buffer, at: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i += 1) if (bytes[at + i] !== name[i]) return false;
  return true;
}

// Where the run of name bytes (A-Z, 0-9, _) ends, looking at most one byte past the longest name.
function endOfName(bytes: Buffer, at: number): number {
  const limit = Math.min(bytes.length, at + MAX_NAME_BYTES + 1);
  let end = at;
  while (end < limit && isNameByte(bytes[end] ?? 0)) end += 1;
  return end;
}

function isNameByte(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || byte === 0x5f || (byte >= 0x30 && byte <= 0x39);
}
