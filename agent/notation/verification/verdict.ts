// The verdict: the decision on one image as data, the same at pull, re-verification, admission and on the command line.
import type { ErrorCode } from '../../errors.ts';
import type { Digest } from '../../oci/digest.ts';

/** trust-store-trust-policy.md, "Signature Verification details": the five validations. */
export const VALIDATION_TYPES = [
  'integrity',
  'authenticity',
  'authenticTimestamp',
  'expiry',
  'revocation',
] as const;
export type ValidationType = (typeof VALIDATION_TYPES)[number];

/** What a failed validation does: deny, only be recorded, or it is not performed. */
export type ValidationAction = 'enforce' | 'log' | 'skip';

/** `inconclusive` means that we could not tell; it is never the same as `failed`. */
export type ValidationOutcome = 'passed' | 'failed' | 'inconclusive' | 'skipped';

/** What one validation found and whether that counts. */
export interface ValidationResult {
  readonly type: ValidationType;
  readonly action: ValidationAction;
  readonly outcome: ValidationOutcome;
  /** Present unless passed or skipped. */
  readonly code?: ErrorCode;
  /** What was seen: expected, found, which object. */
  readonly message: string;
}

export type Decision = 'allow' | 'deny';

/** Why: `verified`, `skipped_by_policy`, or the error code that decided. */
export type Reason = 'verified' | 'skipped_by_policy' | ErrorCode;

/** The decision on one image. JSON-serialisable; its field names are part of the public output. */
export interface Verdict {
  readonly decision: Decision;
  readonly reason: Reason;
  /** One sentence an operator can act on. */
  readonly message: string;
  /** True when the deciding reason is "could not tell" rather than "no". */
  readonly inconclusive: boolean;
  /** registry/repository of the image. */
  readonly repository: string;
  /** Top-level digest of the image; null when it could not be resolved. */
  readonly digest: Digest | null;
  /** Name of the policy statement that applied; null when none did. */
  readonly policy: string | null;
  /** Digest of the signature manifest that decided; null when none did. */
  readonly signature: Digest | null;
  /** Subject of the signing certificate of that signature. */
  readonly signer: string | null;
  /** One per validation type for the deciding signature; empty when none was evaluated. */
  readonly results: readonly ValidationResult[];
  /** SHA-256 (hex) of the trust policy document that decided; null when there was none. */
  readonly policyHash: string | null;
  /** SHA-256 (hex) over the certificates of the trust stores that were used; null when none were. */
  readonly trustHash: string | null;
  /** When the decision was made, RFC 3339. */
  readonly time: string;
  readonly durationMs: number;
}
