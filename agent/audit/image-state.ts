// What is known of an image on the node, from its verdicts.
import type { Verdict } from '../notation/verification/verdict.ts';

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
  'results' | 'level' | 'skippedSignatures' | 'repository' | 'digest'
> & { readonly mode: VerdictMode };

/** The last verdict of each source; null when there was none. */
export interface ImageVerdicts {
  readonly pull: RecordedVerdict | null;
  readonly reverification: RecordedVerdict | null;
}

export const IMAGE_STATES = ['verified', 'skipped', 'failed', 'inconclusive', 'pending'] as const;

/**
 * `verified`: a signature was good. `skipped`: the policy asks for none. `failed`: the evidence says
 * no. `inconclusive`: we could not tell. `pending`: nobody has looked.
 */
export type ImageState = (typeof IMAGE_STATES)[number];

/** The state by the later of the two verdicts. Whether that verdict is outdated is not considered. */
export function imageState(verdicts: ImageVerdicts): ImageState {
  const verdict = lastVerdict(verdicts);
  if (verdict === null) return 'pending';
  if (verdict.inconclusive) return 'inconclusive';
  if (verdict.decision === 'deny') return 'failed';
  return verdict.reason === 'skipped_by_policy' ? 'skipped' : 'verified';
}

/**
 * Whether our verifier let the image in: false for what was imported (be it after the verifier
 * refused to pull it), was there before us, came past a verifier that containerd no longer calls, or
 * by break-glass.
 */
export function isJudged({ pull }: ImageVerdicts): boolean {
  if (pull === null || pull.mode === 'break_glass') return false;
  return pull.decision === 'allow' || pull.mode === 'audit';
}

function lastVerdict({ pull, reverification }: ImageVerdicts): RecordedVerdict | null {
  // By break-glass, nobody looked.
  if (pull === null || pull.mode === 'break_glass') return reverification;
  if (reverification === null) return pull;
  return Date.parse(pull.time) > Date.parse(reverification.time) ? pull : reverification;
}
