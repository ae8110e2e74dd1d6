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

/** One tag-length-value. Views into the bytes it was read from. */
export interface DerElement {
  /** Identifier octet: class, constructed bit and number together. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** Identifier, length and content: what is signed, hashed or compared. */
  readonly raw: Uint8Array;
  /** Names the element in messages. */
  readonly what: string;
  /** The code of faults in it. */
  readonly code: ErrorCode;
}

/**
 * Reads the elements inside one constructed value, in order. It goes down a level only when told
 * to, so depth is bounded by the code that reads; what is skipped is not checked for being DER.
 */
export class DerReader {
  readonly what: string;
  readonly #code: ErrorCode;
  readonly #bytes: Uint8Array;
  #at = 0;

  /** `bytes` are the elements themselves. Faults are thrown with `code` and name `what`. */
  constructor(bytes: Uint8Array, what: string, code: ErrorCode) {
    this.#bytes = bytes;
    this.what = what;
    this.#code = code;
  }

  /** The identifier octet of the next element; undefined at the end. */
  peek(): number | undefined {
    return this.#bytes[this.#at];
  }

  /** Reads the next element, whatever it is. */
  readAny(field: string): DerElement {
    const start = this.#at;
    const tag = this.#readOctet(field);
    if ((tag & 0x1f) === 0x1f) throw this.#invalid(field, 'expected a tag number below 31');
    const length = this.#readLength(field);
    const end = this.#at + length;
    if (end > this.#bytes.length) throw this.#invalid(field, `expected ${length} bytes of content`);
    const content = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    const raw = this.#bytes.subarray(start, end);
    return { tag, content, raw, what: `${this.what}: ${field}`, code: this.#code };
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
  open(element: DerElement): DerReader {
    return new DerReader(element.content, this.what, this.#code);
  }

  /** Throws unless everything has been read. */
  end(field: string): void {
    if (this.#at < this.#bytes.length) throw this.#invalid(field, 'expected nothing more');
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
    const octet = this.#bytes[this.#at];
    if (octet === undefined) throw this.#invalid(field, 'expected more bytes');
    this.#at++;
    return octet;
  }

  #invalid(field: string, fault: string): AgentError {
    return new AgentError(this.#code, `${this.what}: ${field}: ${fault} (at byte ${this.#at})`);
  }
}

function hex(octet: number): string {
  return `0x${octet.toString(16).padStart(2, '0')}`;
}
