// Protocol Buffers' wire format: "Encoding", https://protobuf.dev/programming-guides/encoding/.
import { AgentError } from '../../errors.ts';

/** The wire types that containerd's messages have fields of. */
export const VARINT = 0;
export const BLOCK = 2;

/** Which field follows, and how it is written. */
export interface Tag {
  readonly id: number;
  readonly wireType: number;
}

/** A length, and a tag but for its highest bits, have 32 bits: five bytes of seven. */
const MAX_SHORT_BYTES = 5;
/** Seventy bits, of which the last six count for nothing. */
const MAX_LONG_BYTES = 10;

/** Reads one message from its start. Throws `containerd_failed` for bytes that are none. */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  tag(): Tag {
    const tag = this.#short();
    const [id, wireType] = [Math.floor(tag / 8), tag % 8];
    if (id === 0) throw failed('a field number above 0', '0');
    return { id, wireType };
  }

  /** The 64 bits of a number, without sign. */
  long(): bigint {
    let value = 0n;
    for (let n = 0; n < MAX_LONG_BYTES; n += 1) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << BigInt(7 * n);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw failed(`at most ${MAX_LONG_BYTES} bytes of a number`, 'more');
  }

  /** What is written with its length before it; a view, no copy. */
  block(): Buffer {
    return this.#take(this.#short());
  }

  /** Passes over a field that is not known. */
  skip(wireType: number): void {
    if (wireType === VARINT) this.long();
    else if (wireType === BLOCK) this.block();
    else if (wireType === 1) this.#take(8);
    else if (wireType === 5) this.#take(4);
    else throw failed('a wire type of 0, 1, 2 or 5', String(wireType));
  }

  #short(): number {
    let value = 0;
    for (let n = 0; n < MAX_SHORT_BYTES; n += 1) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** (7 * n);
      if (byte < 0x80) return value;
    }
    throw failed(`at most ${MAX_SHORT_BYTES} bytes of a length`, 'more');
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw failed('a whole message', `its end at byte ${this.#at}`);
    this.#at += 1;
    return byte;
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) {
      throw failed(`${length} bytes`, `the ${this.#bytes.length - this.#at} bytes that are left`);
    }
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

/** A field that is written with its length before it. */
export function encodeBlock(id: number, bytes: Buffer): Buffer {
  return Buffer.concat([encodeShort(id * 8 + BLOCK), encodeShort(bytes.length), bytes]);
}

function encodeShort(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return Buffer.from([...bytes, rest]);
}

function failed(expected: string, found: string): AgentError {
  return new AgentError('containerd_failed', `message: expected ${expected}, found ${found}`);
}
