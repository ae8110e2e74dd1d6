// The verdict: the decision on one image as data, the same at pull, re-verification, admission and on the command line.
import { AgentError, ERROR_CODES, type ErrorCode } from '../../errors.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';

/**
 * trust-store-trust-policy.md, "Signature Verification > Steps": the five validations, in the order
 * in which they are performed.
 */
export const VALIDATION_TYPES = [
  'integrity',
  'authenticity',
  'expiry',
  'authenticTimestamp',
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

/** A signature that was looked at and did not decide, and why not. */
export interface SkippedSignature {
  /** Digest of the signature manifest. */
  readonly signature: Digest;
  readonly code: ErrorCode;
  /** Cut, because there may be several. */
  readonly message: string;
}

/**
 * signature-specification.md, "OCI Signatures": a signature that is no good is passed over for the
 * next. That it was there must not go unseen: somebody pushed it.
 */
export interface SkippedSignatures {
  readonly count: number;
  /** In the order in which they were looked at; at most `MAX_SKIPPED_SHOWN`. */
  readonly first: readonly SkippedSignature[];
}

/** Enough to see what is going on; the rest is mostly more of the same. */
export const MAX_SKIPPED_SHOWN = 5;

export const NONE_SKIPPED: SkippedSignatures = { count: 0, first: [] };

/** trust-store-trust-policy.md, "Signature Verification details". */
export const LEVELS = ['strict', 'permissive', 'audit', 'skip'] as const;
export type Level = (typeof LEVELS)[number];

export type Decision = 'allow' | 'deny';

/** Why an image is allowed, each with one sentence; README's table is checked against this one. */
export const ALLOW_REASONS = {
  verified: 'A signature passed every validation that the policy statement asks for.',
  failure_logged: 'A validation failed, and the level of the policy statement only records that.',
  skipped_by_policy: 'The policy statement has the level skip.',
  break_glass: 'Nobody has judged: by break-glass, every image is let in for a while.',
} as const;

/** Why: an allow reason, or the error code that decided. */
export type Reason = keyof typeof ALLOW_REASONS | ErrorCode;

/** Tells whether a string is a reason of the closed set. */
export function isReason(text: unknown): text is Reason {
  return isErrorCode(text) || (isString(text) && Object.hasOwn(ALLOW_REASONS, text));
}

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
  /** Top-level digest of the image, as it was named or resolved; null when it was neither. */
  readonly digest: Digest | null;
  /** Name of the policy statement that applied; null when none did. */
  readonly policy: string | null;
  /** Level of that statement; what it enforces and logs, overrides included, is in `results`. */
  readonly level: Level | null;
  /** Digest of the signature manifest that decided; null when none did. */
  readonly signature: Digest | null;
  /** Subject of the signing certificate of that signature. */
  readonly signer: string | null;
  /** One per validation type for the deciding signature; empty when none was evaluated. */
  readonly results: readonly ValidationResult[];
  /** Signatures of the image that were looked at beside the one that decided. */
  readonly skippedSignatures: SkippedSignatures;
  /** SHA-256 (hex) of the trust policy document that decided; null when there was none. */
  readonly policyHash: string | null;
  /** SHA-256 (hex) over the certificates of the trust stores that were used; null when none were. */
  readonly trustHash: string | null;
  /**
   * The earliest later moment, RFC 3339, at which time alone may change the decision: a signature or
   * certificate begins or ends, or newer is asked for than what an OCSP responder or CRL said, which is
   * around the end of that. Null: none known.
   */
  readonly validUntil: string | null;
  /** When the decision was made, RFC 3339. */
  readonly time: string;
  readonly durationMs: number;
}

const MAX_RESULTS = VALIDATION_TYPES.length;

/**
 * Narrows a decoded JSON value to a verdict. Every field is checked for its shape, so that nothing
 * but a decision of ours can pass for one; whether the decision is right is not checked.
 * Throws `internal`.
 */
export function parseVerdict(value: unknown): Verdict {
  if (!isVerdict(value))
    throw new AgentError('internal', 'verdict: a field is missing or malformed');
  return value;
}

function isVerdict(value: unknown): value is Verdict {
  if (typeof value !== 'object' || value === null) return false;
  const verdict = value as Partial<Record<keyof Verdict, unknown>>;
  return (
    isDecision(verdict) &&
    [verdict.message, verdict.repository, verdict.time].every(isString) &&
    [verdict.policy, verdict.signer, verdict.policyHash, verdict.trustHash].every(isStringOrNull) &&
    [verdict.digest, verdict.signature].every((text) => text === null || isDigestText(text)) &&
    (verdict.validUntil === null || isTime(verdict.validUntil)) &&
    (verdict.level === null || LEVELS.some((level) => level === verdict.level)) &&
    typeof verdict.inconclusive === 'boolean' &&
    Number.isFinite(verdict.durationMs) &&
    Array.isArray(verdict.results) &&
    verdict.results.length <= MAX_RESULTS &&
    verdict.results.every(isResult) &&
    isSkipped(verdict.skippedSignatures)
  );
}

function isSkipped(value: unknown): value is SkippedSignatures {
  if (typeof value !== 'object' || value === null) return false;
  const { count, first } = value as Partial<Record<keyof SkippedSignatures, unknown>>;
  return (
    Number.isSafeInteger(count) &&
    Array.isArray(first) &&
    first.length === Math.min(count as number, MAX_SKIPPED_SHOWN) &&
    first.every(isSkippedSignature)
  );
}

function isSkippedSignature(value: unknown): value is SkippedSignature {
  if (typeof value !== 'object' || value === null) return false;
  const { signature, code, message } = value as Partial<Record<keyof SkippedSignature, unknown>>;
  return isDigestText(signature) && isErrorCode(code) && isString(message);
}

/** An allow with the code of an error, or a deny with a reason to allow, is no decision of ours. */
function isDecision(verdict: Partial<Record<keyof Verdict, unknown>>): boolean {
  const { decision, reason } = verdict;
  if (!isReason(reason)) return false;
  return decision === (Object.hasOwn(ALLOW_REASONS, reason) ? 'allow' : 'deny');
}

function isResult(value: unknown): value is ValidationResult {
  if (typeof value !== 'object' || value === null) return false;
  const result = value as Partial<Record<keyof ValidationResult, unknown>>;
  return (
    VALIDATION_TYPES.some((type) => type === result.type) &&
    ['enforce', 'log', 'skip'].some((action) => action === result.action) &&
    ['passed', 'failed', 'inconclusive', 'skipped'].some((outcome) => outcome === result.outcome) &&
    (result.code === undefined || isErrorCode(result.code)) &&
    isString(result.message)
  );
}

function isErrorCode(value: unknown): value is ErrorCode {
  return isString(value) && Object.hasOwn(ERROR_CODES, value);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isStringOrNull(value: unknown): value is string | null {
  return value === null || isString(value);
}

function isTime(value: unknown): boolean {
  return isString(value) && Number.isFinite(Date.parse(value));
}

function isDigestText(value: unknown): value is Digest {
  return isString(value) && isDigest(value);
}
