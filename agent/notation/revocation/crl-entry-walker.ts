// Steps over the entries of a CRL by their lengths, looking at serial numbers and critical flags only.
import type { AgentError } from '../../errors.ts';
import { DER_TAGS } from '../encoding/der.ts';
import { invalidEvidence } from './evidence-fault.ts';

/** Content octets of reasonCode and invalidityDate: 2.5.29.21 and 2.5.29.24. */
const UNDERSTOOD = [Buffer.from('551d15', 'hex'), Buffer.from('551d18', 'hex')] as const;

/**
 * A place in a list of entries. It makes no values, because a CRL of 32 MiB has close to a
 * million entries; what it steps over is an entry by its tags and lengths, no more. It is as strict
 * as `DerReader`, by which tests hold it.
 */
export class EntryWalker {
  /** Where the next entry begins, once a step is done. */
  at = 0;
  /** Where the content of the latest entry's serial number is. */
  serialStart = 0;
  serialEnd = 0;
  readonly #bytes: Uint8Array;
  readonly #what: string;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get isDone(): boolean {
    return this.at === this.#bytes.length;
  }

  /** Steps over one entry. Throws `revocation_evidence_invalid`. */
  step(): void {
    const end = this.#enter(DER_TAGS.sequence, this.#bytes.length);
    this.serialEnd = this.#enter(DER_TAGS.integer, end);
    this.serialStart = this.at;
    this.#assertShortest();
    this.at = this.serialEnd;
    const isUtcTime = this.#bytes[this.at] === DER_TAGS.utcTime;
    this.#skip(isUtcTime ? DER_TAGS.utcTime : DER_TAGS.generalizedTime, end);
    if (this.at === end) return;
    const listEnd = this.#enter(DER_TAGS.sequence, end);
    if (listEnd !== end) throw this.#invalid('expected nothing after its extensions');
    while (this.at < listEnd) this.#stepExtension(listEnd);
  }

  #stepExtension(limit: number): void {
    const end = this.#enter(DER_TAGS.sequence, limit);
    const nameEnd = this.#enter(DER_TAGS.objectIdentifier, end);
    const nameStart = this.at;
    this.at = nameEnd;
    if (this.at < end && this.#bytes[this.at] === DER_TAGS.boolean) {
      if (this.#readBoolean(end) && !this.#isUnderstood(nameStart, nameEnd)) {
        throw this.#invalid('expected no critical extension that is not understood');
      }
    }
    this.#skip(DER_TAGS.octetString, end);
    if (this.at !== end) throw this.#invalid('expected nothing after the value of an extension');
  }

  #readBoolean(limit: number): boolean {
    const end = this.#enter(DER_TAGS.boolean, limit);
    const octet = this.#bytes[this.at];
    if (end - this.at !== 1 || (octet !== 0x00 && octet !== 0xff)) {
      throw this.#invalid('expected a boolean of 00 or FF');
    }
    this.at = end;
    return octet === 0xff;
  }

  #isUnderstood(start: number, end: number): boolean {
    const name = this.#bytes.subarray(start, end);
    return UNDERSTOOD.some((known) => known.equals(name));
  }

  /** A serial number in a longer form would not be found by comparing octets. */
  #assertShortest(): void {
    const first = this.#bytes[this.serialStart] ?? 0;
    const second = this.#bytes[this.serialStart + 1] ?? 0;
    const length = this.serialEnd - this.serialStart;
    const isPadded =
      length > 1 && ((first === 0x00 && second < 0x80) || (first === 0xff && second >= 0x80));
    if (length === 0 || isPadded)
      throw this.#invalid('expected a serial number in its shortest form');
  }

  #skip(tag: number, limit: number): void {
    this.at = this.#enter(tag, limit);
  }

  /** Goes to the content of the next element, and gives its end. */
  #enter(tag: number, limit: number): number {
    if (this.at >= limit || this.#bytes[this.at] !== tag) {
      throw this.#invalid(`expected tag 0x${tag.toString(16).padStart(2, '0')}`);
    }
    const first = this.#bytes[this.at + 1] ?? 0x80;
    this.at += 2;
    const length = first < 0x80 ? first : this.#readLongLength(first);
    const end = this.at + length;
    if (end > limit) throw this.#invalid('expected an element to end within the one around it');
    return end;
  }

  /** Lengths of more than 127: an entry is rarely that long, but may be. */
  #readLongLength(first: number): number {
    const octets = first & 0x7f;
    if (octets === 0 || octets > 4) throw this.#invalid('expected a definite length');
    let length = 0;
    for (let index = 0; index < octets; index++) {
      length = length * 256 + (this.#bytes[this.at + index] ?? 0);
    }
    this.at += octets;
    const least = octets === 1 ? 0x80 : 256 ** (octets - 1);
    if (length < least) throw this.#invalid('expected a length in its shortest form');
    return length;
  }

  #invalid(fault: string): AgentError {
    return invalidEvidence(`${this.#what}: entries`, `${fault} (at byte ${this.at})`);
  }
}
