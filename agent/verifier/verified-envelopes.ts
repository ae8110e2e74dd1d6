// Envelopes that were verified lately: their bytes are what they were, so that need not be done again.
import { type FetchedSignature, verifyEnvelope } from '../notation/verification/signature.ts';

type Verified = ReturnType<typeof verifyEnvelope>;

/** Images that are pulled again; each takes some 5 KiB: envelopes share their certificates. */
const MAX_KEPT = 128;

/**
 * Remembers what envelopes hold, not whether they are good: policy, trust, time and revocation are
 * judged anew for every verdict. What failed is not remembered.
 */
export class VerifiedEnvelopes {
  // By identity: the same object from the signature cache, whose bytes nobody changes.
  readonly #kept = new Map<FetchedSignature, Verified>();
  readonly #maxKept: number;

  constructor(maxKept = MAX_KEPT) {
    this.#maxKept = maxKept;
  }

  /** As `verifyEnvelope`, whose codes it throws. */
  readonly verify = (signature: FetchedSignature): Verified => {
    const verified = this.#kept.get(signature) ?? verifyEnvelope(signature);
    this.#kept.delete(signature);
    this.#kept.set(signature, verified);
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size > this.#maxKept) this.#kept.delete(oldest);
    return verified;
  };
}
