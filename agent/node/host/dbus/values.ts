// D-Bus values, from bytes and a signature. D-Bus Specification, "Type System" and "Marshaling (Wire Format)".
import { AgentError } from '../../../errors.ts';
import { show } from '../../../oci/show.ts';

/** 64-bit integers are bigint; an array of dictionary entries is one of pairs. */
export type DbusValue = number | bigint | boolean | string | DbusVariant | readonly DbusValue[];

/** A value that brings its own signature. */
export interface DbusVariant {
  readonly signature: string;
  readonly value: DbusValue;
}

/** "Valid Signatures": at most this long. */
const MAX_SIGNATURE_LENGTH = 255;

/** "Valid Signatures": 32 arrays and 32 structs, one in another; variants count here too. */
const MAX_DEPTH = 64;

/**
 * Decodes the values that a signature names, which must fill `bytes` exactly. `bytes` has to begin where
 * a message's alignment by 8 does. Throws `systemd_failed` for anything malformed.
 */
export function decodeValues(
  bytes: Uint8Array,
  signature: string,
  littleEndian: boolean,
): readonly DbusValue[] {
  const reader = new ValueReader(bytes, littleEndian);
  const values = parseSignature(signature).map((type) => reader.read(type, 0));
  reader.assertEnd();
  return values;
}

interface Type {
  readonly code: string;
  /** Of an array its element, of a struct or dictionary entry its members. */
  readonly inner: readonly Type[];
}

const BASIC = new Set('ybnqiuxtdsogh');

/** Parses any number of complete types. Throws `systemd_failed`. */
function parseSignature(text: string): readonly Type[] {
  if (text.length > MAX_SIGNATURE_LENGTH) {
    throw malformed(`a signature of at most ${MAX_SIGNATURE_LENGTH} characters`, text);
  }
  let at = 0;
  const one = (depth: number): Type => {
    const code = text.charAt(at++);
    if (depth > MAX_DEPTH) throw malformed(`types at most ${MAX_DEPTH} deep`, text);
    if (BASIC.has(code) || code === 'v') return { code, inner: [] };
    if (code === 'a') return { code, inner: [one(depth + 1)] };
    if (code === '(' || code === '{') return { code, inner: members(code, depth) };
    throw malformed('a type', text.slice(at - 1));
  };
  const members = (code: '(' | '{', depth: number): readonly Type[] => {
    const close = code === '(' ? ')' : '}';
    const inner: Type[] = [];
    while (text.charAt(at) !== close) inner.push(one(depth + 1));
    at += 1;
    const isWhole = code === '(' ? inner.length > 0 : inner.length === 2;
    if (!isWhole) throw malformed('members', text);
    return inner;
  };
  const types: Type[] = [];
  while (at < text.length) types.push(one(0));
  return types;
}

const ALIGNMENT: ReadonlyMap<string, number> = new Map([
  ...['y', 'g', 'v'].map((code) => [code, 1] as const),
  ...['n', 'q'].map((code) => [code, 2] as const),
  ...['b', 'i', 'u', 's', 'o', 'a', 'h'].map((code) => [code, 4] as const),
  ...['x', 't', 'd', '(', '{'].map((code) => [code, 8] as const),
]);

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class ValueReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  #at = 0;

  constructor(bytes: Uint8Array, littleEndian: boolean) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#littleEndian = littleEndian;
  }

  read(type: Type, depth: number): DbusValue {
    if (depth > MAX_DEPTH) throw malformed(`values at most ${MAX_DEPTH} deep`, depth);
    this.#align(ALIGNMENT.get(type.code) ?? 1);
    switch (type.code) {
      case 'a':
        return this.#array(type, depth);
      case '(':
      case '{':
        return type.inner.map((member) => this.read(member, depth + 1));
      case 'v':
        return this.#variant(depth);
      default:
        return this.#basic(type.code);
    }
  }

  assertEnd(): void {
    const rest = this.#bytes.length - this.#at;
    if (rest !== 0) throw malformed('the end of the values', `${rest} more bytes`);
  }

  #array({ inner: [element] }: Type, depth: number): DbusValue {
    if (element === undefined) throw new TypeError('an array has an element');
    const length = this.#uint32();
    // Padding before the first element is there without one too, and does not count.
    this.#align(ALIGNMENT.get(element.code) ?? 1);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw malformed('an array within its message', length);
    const values: DbusValue[] = [];
    while (this.#at < end) values.push(this.read(element, depth + 1));
    if (this.#at !== end) throw malformed('elements that fill their array', length);
    return values;
  }

  #variant(depth: number): DbusVariant {
    const signature = this.#text(this.#take(1));
    const [type, more] = parseSignature(signature);
    if (type === undefined || more !== undefined) throw malformed('one type', signature);
    return { signature, value: this.read(type, depth + 1) };
  }

  #basic(code: string): DbusValue {
    const [view, little] = [this.#view, this.#littleEndian];
    switch (code) {
      case 'y':
        return view.getUint8(this.#take(1));
      case 'n':
        return view.getInt16(this.#take(2), little);
      case 'q':
        return view.getUint16(this.#take(2), little);
      case 'i':
        return view.getInt32(this.#take(4), little);
      case 'b':
        return this.#boolean();
      case 'x':
        return view.getBigInt64(this.#take(8), little);
      case 't':
        return view.getBigUint64(this.#take(8), little);
      case 'd':
        return view.getFloat64(this.#take(8), little);
      case 's':
      case 'o':
        return this.#text(this.#take(4), 4);
      case 'g':
        return this.#text(this.#take(1));
      default:
        // u and h, the index of a file descriptor, of which none are ever passed to us.
        return this.#uint32();
    }
  }

  #boolean(): boolean {
    const value = this.#uint32();
    if (value > 1) throw malformed('a boolean of 0 or 1', value);
    return value === 1;
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4), this.#littleEndian);
  }

  /** A length at `at`, then so many bytes of UTF-8, then a zero that does not count. */
  #text(at: number, lengthBytes: 1 | 4 = 1): string {
    const view = this.#view;
    const length = lengthBytes === 1 ? view.getUint8(at) : view.getUint32(at, this.#littleEndian);
    const start = this.#take(length + 1);
    const bytes = this.#bytes.subarray(start, start + length);
    if (bytes.includes(0) || this.#bytes[start + length] !== 0) {
      throw malformed('a string that ends with its only zero', length);
    }
    try {
      return UTF8.decode(bytes);
    } catch (cause) {
      throw malformed('UTF-8', 'other bytes', cause);
    }
  }

  #align(to: number): void {
    const padding = -this.#at & (to - 1);
    const start = this.#take(padding);
    if (this.#bytes.subarray(start, this.#at).some((byte) => byte !== 0)) {
      throw malformed('padding of zeros', 'other bytes');
    }
  }

  /** Where the next so many bytes are. */
  #take(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) throw malformed(`${length} more bytes`, 'the end');
    this.#at += length;
    return start;
  }
}

/** `systemd_failed` for bytes that are not D-Bus. */
export function malformed(expected: string, found: unknown, cause?: unknown): AgentError {
  const fault = `message from systemd: expected ${expected}, found ${show(found)}`;
  return new AgentError('systemd_failed', fault, { cause });
}
