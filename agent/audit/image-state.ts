// What is known of an image on the node, from its verdicts.
import type { Verdict } from '../notation/verification/verdict.ts';
import { type Arrival, ARRIVALS, MAX_PULL_MS, type PullEvidence } from './image-arrival.ts';

/** Whose verdict: of the pull verifier, or of re-verification. */
export type VerdictSource = 'pull' | 'reverification';

/**
 * What came of a verdict. Of a pull: it was bound by it, or let in whatever it said, or let in without
 * being judged. `none`: there was nothing to bind.
 */
export const VERDICT_MODES = ['enforce', 'audit', 'break_glass', 'none'] as const;
export type VerdictMode = (typeof VERDICT_MODES)[number];

/** A verdict as the ledger keeps it, without the image it is on. */
export type RecordedVerdict = Omit<
  Verdict,
  'results' | 'level' | 'skippedSignatures' | 'validUntil' | 'repository' | 'digest'
> & { readonly mode: VerdictMode };

/** The last verdict of each source; null when there was none. */
export interface ImageVerdicts {
  readonly pull: RecordedVerdict | null;
  readonly reverification: RecordedVerdict | null;
}

/** What a verdict comes to. `skipped`: the policy asks for no signature. */
export type Outcome = 'verified' | 'skipped' | 'failed' | 'inconclusive';

export function outcomeOf({ decision, reason, inconclusive }: RecordedVerdict): Outcome {
  if (inconclusive) return 'inconclusive';
  if (decision === 'deny') return 'failed';
  return reason === 'skipped_by_policy' ? 'skipped' : 'verified';
}

/** Those that need somebody to look first. */
export const IMAGE_STATES = ['failed', 'unverified', 'inconclusive', 'stale', 'verified'] as const;

/**
 * `failed`: the evidence says no. `unverified`: nobody has looked, or the policy asks for no
 * signature. `inconclusive`: we could not tell. `stale`: we could not tell just now, and it was
 * verified before. `verified`: a signature was good.
 */
export type ImageState = (typeof IMAGE_STATES)[number];

/**
 * Why an image stands as it does to the pull verifier: how it came, or that the policy asks for no
 * signature of it.
 */
export const IMAGE_CAUSES = [...ARRIVALS, 'skipped-by-policy'] as const;
export type ImageCause = (typeof IMAGE_CAUSES)[number];

/**
 * The state by the later of the two verdicts, and by whether the last that could tell was good. Whether
 * these are outdated is not considered.
 */
export function imageState(verdicts: ImageVerdicts, wasGood: boolean): ImageState {
  const verdict = lastVerdict(verdicts);
  const outcome = verdict === null ? 'skipped' : outcomeOf(verdict);
  if (outcome === 'inconclusive' && wasGood) return 'stale';
  return outcome === 'skipped' ? 'unverified' : outcome;
}

/** The cause, by how the image came. */
export function imageCause(verdicts: ImageVerdicts, arrival: Arrival): ImageCause {
  const verdict = lastVerdict(verdicts);
  return verdict !== null && outcomeOf(verdict) === 'skipped' ? 'skipped-by-policy' : arrival;
}

/** What the pull verifier's last verdict says of how the image came; null when it gave none. */
export function pullEvidence({ pull }: ImageVerdicts): PullEvidence | null {
  if (pull === null) return null;
  const isJudged = pull.mode !== 'break_glass';
  const isIn = !isJudged || pull.decision === 'allow' || pull.mode === 'audit';
  return { isIn, isJudged, untilMs: Date.parse(pull.time) + MAX_PULL_MS };
}

/** The verdict that the state is by; null when nobody has looked. */
export function lastVerdict({ pull, reverification }: ImageVerdicts): RecordedVerdict | null {
  // By break-glass, nobody looked.
  if (pull === null || pull.mode === 'break_glass') return reverification;
  if (reverification === null) return pull;
  return Date.parse(pull.time) > Date.parse(reverification.time) ? pull : reverification;
}
