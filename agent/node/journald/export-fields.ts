// The wanted fields of an entry of Journal Export Format, left where the bytes of the stream hold them.

const NOTHING = Buffer.alloc(0);
/** Longer values are not worth comparing with the one before. */
const MAX_REPEATED_BYTES = 64;
/** What has more digits may be beyond what a number counts exactly. */
const MAX_DIGITS = 16;
/** Where a value is that there is not. */
const ABSENT = -1;
const ZERO = 0x30;
const NINE = 0x39;

/** The wanted names of a stream, and the texts that its entries repeat. */
export class WantedFields {
  readonly names: readonly string[];
  /** What an entry begins with: a copy takes a third of the time that filling anew does. */
  readonly noBounds: readonly number[];
  readonly #places: ReadonlyMap<string, number>;
  readonly #repeated: { readonly bytes: Buffer; readonly text: string }[];

  constructor(names: readonly string[]) {
    this.names = [...new Set(names)];
    this.#places = new Map(this.names.map((name, place) => [name, place]));
    this.noBounds = this.names.flatMap(() => [ABSENT, ABSENT]);
    this.#repeated = this.names.map(() => ({ bytes: Buffer.alloc(0), text: '' }));
  }

  /** The place of a name among the wanted ones; -1 for another. */
  placeOf(name: string): number {
    return this.#places.get(name) ?? -1;
  }

  /** A value as text, invalid UTF-8 replaced. Most entries are of the same few writers. */
  textOf(place: number, bytes: Buffer, start: number, end: number): string {
    if (end - start > MAX_REPEATED_BYTES) return bytes.toString('utf8', start, end);
    const before = this.#repeated[place];
    if (before !== undefined && isSame(before.bytes, bytes, start, end)) return before.text;
    const text = bytes.toString('utf8', start, end);
    this.#repeated[place] = { bytes: Buffer.from(bytes.subarray(start, end)), text };
    return text;
  }
}

/**
 * The first value of each wanted name, as bytes: a journal field may hold anything. A view or a text
 * of a value is made when it is asked for, because most values are compared at most.
 */
export class ExportFields {
  readonly #wanted: WantedFields;
  /** Start and end of each value, one after the other. */
  readonly #bounds: number[];
  /** Where the values are, but for those of an entry that came in several pieces. */
  #bytes: Buffer = NOTHING;
  #elsewhere: Map<number, Buffer> | undefined;

  constructor(wanted: WantedFields) {
    this.#wanted = wanted;
    this.#bounds = wanted.noBounds.slice();
  }

  /** Whether there is a value of the name at that place. */
  hasAt(place: number): boolean {
    return this.#start(place) !== ABSENT;
  }

  /** Sets the value of the name at that place. The bytes must not change any more. */
  keepAt(place: number, bytes: Buffer, start: number, end: number): void {
    if (bytes !== this.#bytes) this.#moveTo(bytes);
    this.#elsewhere?.delete(place);
    this.#bounds[2 * place] = start;
    this.#bounds[2 * place + 1] = end;
  }

  /** The same fields but for one, which has another value. */
  with(name: string, value: Buffer): ExportFields {
    const fields = new ExportFields(this.#wanted);
    for (const place of this.#wanted.names.keys()) {
      const source = this.#source(place);
      if (source !== undefined) fields.keepAt(place, source, this.#start(place), this.#end(place));
    }
    fields.keepAt(this.#wanted.placeOf(name), value, 0, value.length);
    return fields;
  }

  has(name: string): boolean {
    return this.hasAt(this.#wanted.placeOf(name));
  }

  get(name: string): Buffer | undefined {
    const place = this.#wanted.placeOf(name);
    return this.#source(place)?.subarray(this.#start(place), this.#end(place));
  }

  /** The value as text, invalid UTF-8 replaced. */
  text(name: string): string | undefined {
    const place = this.#wanted.placeOf(name);
    const source = this.#source(place);
    if (source === undefined) return undefined;
    return this.#wanted.textOf(place, source, this.#start(place), this.#end(place));
  }

  /** The value as text, each byte a character. */
  latin1(name: string): string | undefined {
    const place = this.#wanted.placeOf(name);
    return this.#source(place)?.toString('latin1', this.#start(place), this.#end(place));
  }

  /** The value where it is 1 to 16 decimal digits and a safe integer. */
  whole(name: string): number | undefined {
    const place = this.#wanted.placeOf(name);
    const source = this.#source(place);
    if (source === undefined) return undefined;
    return wholeNumber(source, this.#start(place), this.#end(place));
  }

  /** Whether there is such a value and it is this, byte for byte. */
  is(name: string, expected: Buffer): boolean {
    const place = this.#wanted.placeOf(name);
    const source = this.#source(place);
    return source !== undefined && isSame(expected, source, this.#start(place), this.#end(place));
  }

  *[Symbol.iterator](): Generator<[string, Buffer], void> {
    for (const name of this.#wanted.names) {
      const value = this.get(name);
      if (value !== undefined) yield [name, value];
    }
  }

  #moveTo(bytes: Buffer): void {
    for (const place of this.#wanted.names.keys()) {
      const source = this.#source(place);
      if (source !== undefined) (this.#elsewhere ??= new Map()).set(place, source);
    }
    this.#bytes = bytes;
  }

  #source(place: number): Buffer | undefined {
    if (!this.hasAt(place)) return undefined;
    return this.#elsewhere?.get(place) ?? this.#bytes;
  }

  #start(place: number): number {
    return this.#bounds[2 * place] ?? ABSENT;
  }

  #end(place: number): number {
    return this.#bounds[2 * place + 1] ?? ABSENT;
  }
}

// Writers of one machine have long beginnings in common.
function isSame(expected: Buffer, bytes: Buffer, start: number, end: number): boolean {
  const { length } = expected;
  if (end - start !== length) return false;
  for (let i = length - 1; i >= 0; i -= 1) if (bytes[start + i] !== expected[i]) return false;
  return true;
}

function wholeNumber(bytes: Buffer, start: number, end: number): number | undefined {
  if (end === start || end - start > MAX_DIGITS) return undefined;
  let value = 0;
  for (let at = start; at < end; at += 1) {
    const digit = bytes[at] ?? 0;
    if (digit < ZERO || digit > NINE) return undefined;
    value = value * 10 + (digit - ZERO);
  }
  return Number.isSafeInteger(value) ? value : undefined;
}
