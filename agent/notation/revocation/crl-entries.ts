// The entries of a CRL, up to a million of them: walked in place, without a value for each (RFC 5280 5.3).
import { type CrlEntry, parseCrlEntry } from './crl-entry.ts';
import { EntryWalker } from './crl-entry-walker.ts';
import { invalidEvidence } from './evidence-fault.ts';

/** One each for a hold and what came of it would do; a CRL lists a certificate once. */
const MAX_ENTRIES_OF_ONE = 8;

/** The revokedCertificates of one CRL. */
export class CrlEntries {
  readonly #bytes: Buffer;
  readonly #what: string;

  /**
   * Checks that `bytes` are entries from first to last, and that none has a critical extension that
   * is not understood: RFC 5280 5.3, such a CRL MUST NOT be used for any certificate. An entry
   * that names another issuer is of that kind. Throws `revocation_evidence_invalid`.
   */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#what = what;
    const walker = new EntryWalker(this.#bytes, what);
    while (!walker.isDone) walker.step();
  }

  /**
   * The entries for a serial number (content octets of the INTEGER), nearly always none or one.
   * Throws `revocation_evidence_invalid` when one of them is malformed within.
   */
  find(serialNumber: Uint8Array): readonly CrlEntry[] {
    // No entry can be for a serial number whose octets are nowhere: the usual case, and quick.
    if (!this.#bytes.includes(Buffer.from(serialNumber))) return [];
    const found: CrlEntry[] = [];
    const walker = new EntryWalker(this.#bytes, this.#what);
    while (!walker.isDone) {
      const start = walker.at;
      walker.step();
      const { serialStart, serialEnd } = walker;
      if (this.#bytes.compare(serialNumber, 0, undefined, serialStart, serialEnd) !== 0) continue;
      if (found.length === MAX_ENTRIES_OF_ONE) {
        throw invalidEvidence(this.#what, `expected at most ${MAX_ENTRIES_OF_ONE} entries for one`);
      }
      found.push(parseCrlEntry(this.#bytes.subarray(start, walker.at), this.#what));
    }
    return found;
  }
}
