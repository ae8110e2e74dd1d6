// What containerd's own words about a judgement tell: which verifier, and why one gave none
// (bindir.go of containerd 2.0 to 2.3).

/**
 * Why a verifier gave no judgement. `killed` by a signal before its time was up, such as for want of
 * memory; `output_held` open by a process that it left behind; `other` is what names no verifier,
 * such as a `bin_dir` that cannot be read.
 */
export const NO_JUDGEMENT_CAUSES = [
  'timeout',
  'killed',
  'exec_failed',
  'output_held',
  'other',
] as const;
export type NoJudgementCause = (typeof NO_JUDGEMENT_CAUSES)[number];

export interface NoJudgement {
  readonly cause: NoJudgementCause;
  /** File name in `bin_dir`; null when no verifier was run. */
  readonly verifier: string | null;
  /** How long it ran; null when containerd did not say. */
  readonly runtimeMs: number | null;
}

const CALL_FAILED = /^failed to call verifier (.+?) \(runtime ([^ )]+)\): (.*)$/s;
const REJECTED = /^verifier (.+?) rejected image \(exit code -?\d+\): /s;
const EXPIRED = 'context deadline exceeded';

/** containerd's default for `per_verifier_timeout`. */
export const DEFAULT_VERIFIER_TIMEOUT_MS = 10_000;

/**
 * Reads the error of a call. containerd kills a verifier that is late by the same signal as the
 * kernel one that is too big: only how long it ran tells them apart.
 */
export function parseNoJudgement(
  error: string,
  timeoutMs: number = DEFAULT_VERIFIER_TIMEOUT_MS,
): NoJudgement {
  const [, verifier, runtime, why] = CALL_FAILED.exec(error) ?? [];
  if (verifier === undefined || runtime === undefined || why === undefined) {
    return { cause: 'other', verifier: null, runtimeMs: null };
  }
  const runtimeMs = parseGoDurationMs(runtime);
  return { cause: causeOf(why, runtimeMs, timeoutMs), verifier, runtimeMs };
}

function causeOf(why: string, runtimeMs: number | null, timeoutMs: number): NoJudgementCause {
  const [, step, what] = /^(starting process|waiting on command to exit): (.*)$/s.exec(why) ?? [];
  if (step === undefined || what === undefined) return 'other';
  // Its time was up before it began.
  if (step === 'starting process') return what === EXPIRED ? 'timeout' : 'exec_failed';
  if (what === EXPIRED) return 'output_held';
  if (!what.startsWith('signal: ')) return 'other';
  return what === 'signal: killed' && runtimeMs !== null && runtimeMs >= timeoutMs
    ? 'timeout'
    : 'killed';
}

/** File name in `bin_dir` of the verifier that rejected; null when the reason names none. */
export function parseRejectingVerifier(reason: string): string | null {
  return REJECTED.exec(reason)?.[1] ?? null;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Reads what Go's `Duration.String` writes, such as `1m2.5s`; null for anything else. */
export function parseGoDurationMs(text: string): number | null {
  if (!/^(?:\d{1,12}(?:\.\d{1,9})?(?:ns|µs|ms|s|m|h)){1,3}$/.test(text)) return null;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|µs|ms|s|m|h)/g)];
  return parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNIT_MS[unit] ?? 0), 0);
}
