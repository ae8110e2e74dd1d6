// How much of a node's time, bytes and connections the signatures of one image may take.

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bounds on what anybody who may push to the repository of an image can make a node do. */
export interface SignatureLimits {
  readonly concurrent: number;
  readonly ordinaryBytes: number;
  readonly largeBytes: number;
  readonly promptMs: number;
}

export const SIGNATURE_LIMITS: SignatureLimits = {
  /** Signatures fetched at a time: half of the connections that one registry gets. */
  concurrent: 4,
  /**
   * Manifest and envelope of one signature together. Real ones, certificates and timestamp
   * included, stay below 32 KiB. With at most 100 signatures this bounds the bytes of all.
   */
  ordinaryBytes: 128 * KIB,
  /** All signatures larger than that, together: two of the largest that are accepted at all. */
  largeBytes: 16 * MIB,
  /** How long one signature may keep others waiting. An agent has less than 5 s for a verdict. */
  promptMs: 2_000,
};

/** Bytes that may still be fetched; taken before they are, by the sizes that descriptors tell. */
export class ByteBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** False, and nothing is taken, when less is left. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }
}
