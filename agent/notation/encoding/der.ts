// A strict DER reader (X.690): definite shortest lengths, nothing left over, and no recursion.
import { AgentError, type ErrorCode } from '../../errors.ts';

/** Identifier octets of the types that certificates use. */
export const DER_TAGS = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** `[number]`, constructed: what EXPLICIT tagging and implicitly tagged SEQUENCEs have. */
export function contextTag(number: number): number {
  return 0xa0 + number;
}

/**
 * One tag-length-value. It knows its place in what it was read from and no more: most of the hundred
 * in a certificate are opened or decoded where they stand, and views of each took longer than the rest.
 */
export class DerElement {
  /** Identifier octet: class, constructed bit and number together. */
  readonly tag: number;
  /** What it was read from. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly contentStart: number;
  readonly end: number;
  /** The code of faults in it. */
  readonly code: ErrorCode;
  readonly #whole: string;
  readonly #field: string;

  /** Read from `reader` as its `field`. */
  constructor(reader: DerReader, field: string, start: number, contentStart: number, end: number) {
    this.tag = reader.bytes[start] ?? 0;
    this.bytes = reader.bytes;
    this.start = start;
    this.contentStart = contentStart;
    this.end = end;
    this.code = reader.code;
    this.#whole = reader.what;
    this.#field = field;
  }

  /** A view. */
  get content(): Uint8Array {
    return this.bytes.subarray(this.contentStart, this.end);
  }

  /** Identifier, length and content, which is what is signed, hashed or compared: a view. */
  get raw(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }

  /** Names the element in messages. */
  get what(): string {
    return `${this.#whole}: ${this.#field}`;
  }

  /** Opens it under its own name, if its content is elements. */
  open(): DerReader {
    return new DerReader(this.bytes, this.what, this.code, this.contentStart, this.end);
  }
}

/**
 * Reads the elements inside one constructed value, in order. It goes down a level only when told
 * to, so depth is bounded by the code that reads; what is skipped is not checked for being DER.
 */
export class DerReader {
  readonly bytes: Uint8Array;
  readonly what: string;
  readonly code: ErrorCode;
  readonly #start: number;
  readonly #end: number;
  #at: number;

  /**
   * The bytes from `start` to `end`, by default all, are the elements themselves. Faults are thrown
   * with `code` and name `what`.
   */
  constructor(
    bytes: Uint8Array,
    what: string,
    code: ErrorCode,
    start = 0,
    end: number = bytes.length,
  ) {
    this.bytes = bytes;
    this.what = what;
    this.code = code;
    this.#start = start;
    this.#end = end;
    this.#at = start;
  }

  /** The identifier octet of the next element; undefined at the end. */
  peek(): number | undefined {
    return this.#at < this.#end ? this.bytes[this.#at] : undefined;
  }

  /** Reads the next element, whatever it is. */
  readAny(field: string): DerElement {
    const start = this.#at;
    const tag = this.#readOctet(field);
    if ((tag & 0x1f) === 0x1f) throw this.#invalid(field, 'expected a tag number below 31');
    const length = this.#readLength(field);
    const contentStart = this.#at;
    const end = contentStart + length;
    if (end > this.#end) throw this.#invalid(field, `expected ${length} bytes of content`);
    this.#at = end;
    return new DerElement(this, field, start, contentStart, end);
  }

  /** Reads the next element, which must have `tag`. */
  read(tag: number, field: string): DerElement {
    const found = this.peek();
    if (found === tag) return this.readAny(field);
    throw this.#invalid(
      field,
      `expected tag ${hex(tag)}, found ${found === undefined ? 'nothing' : hex(found)}`,
    );
  }

  /** Reads the next element if it has `tag`. */
  readOptional(tag: number, field: string): DerElement | undefined {
    return this.peek() === tag ? this.readAny(field) : undefined;
  }

  /** Reads the next element, which must have `tag`, and opens it. */
  enter(tag: number, field: string): DerReader {
    return this.open(this.read(tag, field));
  }

  /** Opens an element whose content is elements, keeping the name of the whole. */
  open({ bytes, contentStart, end }: DerElement): DerReader {
    return new DerReader(bytes, this.what, this.code, contentStart, end);
  }

  /** Throws unless everything has been read. */
  end(field: string): void {
    if (this.#at < this.#end) throw this.#invalid(field, 'expected nothing more');
  }

  #readLength(field: string): number {
    const first = this.#readOctet(field);
    if (first < 0x80) return first;
    // Four octets reach 4 GiB, more than any input here; 0x80 alone is the indefinite form of BER.
    if (first === 0x80 || first > 0x84) {
      throw this.#invalid(field, 'expected a definite length of at most four octets');
    }
    let length = 0;
    for (let octets = first & 0x7f; octets > 0; octets--) {
      length = length * 256 + this.#readOctet(field);
    }
    const least = first === 0x81 ? 0x80 : 256 ** ((first & 0x7f) - 1);
    if (length < least) throw this.#invalid(field, 'expected a length in its shortest form');
    return length;
  }

  #readOctet(field: string): number {
    const octet = this.peek();
    if (octet === undefined) throw this.#invalid(field, 'expected more bytes');
    this.#at++;
    return octet;
  }

  #invalid(field: string, fault: string): AgentError {
    const at = this.#at - this.#start;
    return new AgentError(this.code, `${this.what}: ${field}: ${fault} (at byte ${at})`);
  }
}

function hex(octet: number): string {
  return `0x${octet.toString(16).padStart(2, '0')}`;
}
