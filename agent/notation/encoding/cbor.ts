// Strict CBOR (RFC 8949) for COSE: the subset that envelopes use, in its one shortest encoding.
import { AgentError } from '../../errors.ts';
import type { FaultOptions } from './fault-options.ts';

/** Integers that a number cannot hold exactly are bigint, so that no two of them look alike. */
export type CborInteger = number | bigint;
export type CborLabel = CborInteger | string;
export type CborMap = ReadonlyMap<CborLabel, CborValue>;
export type CborValue =
  | CborInteger
  | CborFloat
  | string
  | boolean
  | null
  | Uint8Array
  | readonly CborValue[]
  | CborMap
  | CborTag;

/** A float, kept apart so that 1.0 is never taken for the integer 1. */
export class CborFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A tagged item. */
export class CborTag {
  readonly tag: number;
  readonly value: CborValue;

  constructor(tag: number, value: CborValue) {
    this.tag = tag;
    this.value = value;
  }
}

export interface CborOptions extends FaultOptions {
  /** The tags that may occur; any other is refused. */
  readonly tags: readonly number[];
}

/** Headers nest four levels at most; the decoder recurses once per level. */
export const MAX_CBOR_DEPTH = 16;
/** Far above the two dozen items of an envelope; bounds memory, as one byte can be one item. */
export const MAX_CBOR_ITEMS = 10_000;

/**
 * Decodes exactly one item. Refused: indefinite lengths, lengths and integers not in their shortest
 * form, duplicate map keys, keys other than integers and text, tags that were not asked for, floats
 * other than finite 64-bit ones, other simple values, invalid UTF-8, and trailing bytes. Byte
 * strings are views into `bytes`. Throws `options.code`.
 */
export function decodeCbor(bytes: Uint8Array, options: CborOptions): CborValue {
  return new CborReader(bytes, options).readDocument();
}

/** The initial octets of an item in their shortest form: what a Sig_structure is built from. */
export function encodeCborHead(majorType: 2 | 3 | 4, length: number): Uint8Array {
  const first = majorType << 5;
  if (length < 24) return Uint8Array.of(first + length);
  if (length < 0x100) return Uint8Array.of(first + 24, length);
  if (length < 0x10000) return Uint8Array.of(first + 25, length >> 8, length & 0xff);
  const head = Buffer.alloc(5, first + 26);
  head.writeUInt32BE(length, 1);
  return head;
}

/** The place that has been read up to, in one document. */
class CborReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #options: CborOptions;
  #at = 0;
  #items = 0;

  constructor(bytes: Uint8Array, options: CborOptions) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#options = options;
  }

  readDocument(): CborValue {
    const value = this.#readItem(0);
    if (this.#at !== this.#bytes.length) throw this.#invalid('expected the end');
    return value;
  }

  #readItem(depth: number): CborValue {
    if (depth > MAX_CBOR_DEPTH) throw this.#invalid(`expected at most ${MAX_CBOR_DEPTH} levels`);
    if (++this.#items > MAX_CBOR_ITEMS) {
      throw this.#invalid(`expected at most ${MAX_CBOR_ITEMS} items`);
    }
    const first = this.#take(1)[0] ?? 0;
    const majorType = first >> 5;
    if (majorType === 7) return this.#readSimple(first & 0x1f);
    const argument = this.#readArgument(first & 0x1f);
    switch (majorType) {
      case 0:
        return argument;
      case 1:
        return toInteger(-1n - BigInt(argument));
      case 2:
        return this.#take(argument);
      case 3:
        return this.#decodeText(this.#take(argument));
      case 4:
        return this.#readArray(argument, depth + 1);
      case 5:
        return this.#readMap(argument, depth + 1);
      default:
        return this.#readTag(argument, depth + 1);
    }
  }

  /** The argument of a head: a length, a count, a tag or an integer. */
  #readArgument(info: number): CborInteger {
    if (info < 24) return info;
    if (info > 27) throw this.#invalid('expected a definite length');
    const length = 1 << (info - 24);
    const octets = this.#take(length);
    let value = 0n;
    for (const octet of octets) value = (value << 8n) | BigInt(octet);
    const least = length === 1 ? 24n : 1n << BigInt(4 * length);
    if (value < least) throw this.#invalid('expected the shortest form of a length or integer');
    return toInteger(value);
  }

  #readArray(count: CborInteger, depth: number): readonly CborValue[] {
    const items: CborValue[] = [];
    // An item takes at least a byte and #readItem counts them, so a false count ends soon.
    for (let number = 0; number < count; number++) items.push(this.#readItem(depth));
    return items;
  }

  #readMap(count: CborInteger, depth: number): CborMap {
    const map = new Map<CborLabel, CborValue>();
    for (let number = 0; number < count; number++) {
      const key = this.#readItem(depth);
      if (typeof key !== 'number' && typeof key !== 'bigint' && typeof key !== 'string') {
        throw this.#invalid('expected an integer or text as map key');
      }
      if (map.has(key)) throw this.#invalid('expected each map key once');
      map.set(key, this.#readItem(depth));
    }
    return map;
  }

  #readTag(tag: CborInteger, depth: number): CborTag {
    if (typeof tag !== 'number' || !this.#options.tags.includes(tag)) {
      const { tags } = this.#options;
      throw this.#invalid(`expected no tag${tags.length === 0 ? '' : ` but ${tags.join(', ')}`}`);
    }
    return new CborTag(tag, this.#readItem(depth));
  }

  #readSimple(info: number): CborValue {
    if (info === 20 || info === 21) return info === 21;
    if (info === 22) return null;
    if (info !== 27) throw this.#invalid('expected false, true, null or a 64-bit float');
    this.#take(8);
    const float = this.#view.getFloat64(this.#at - 8);
    if (!Number.isFinite(float)) throw this.#invalid('expected a finite float');
    return new CborFloat(float);
  }

  #decodeText(bytes: Uint8Array): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw this.#invalid('expected UTF-8'); // the TypeError says nothing more
    }
  }

  #take(length: CborInteger): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw this.#invalid('expected more bytes');
    this.#at += Number(length);
    return this.#bytes.subarray(this.#at - Number(length), this.#at);
  }

  #invalid(fault: string): AgentError {
    return new AgentError(
      this.#options.code,
      `${this.#options.what}: ${fault} (at byte ${this.#at} of ${this.#bytes.length})`,
    );
  }
}

function toInteger(value: bigint): CborInteger {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
