// What a canary tells: pure, from how its two pulls ended to proof, refutation or neither.
import type { CanaryKind } from './canary-content.ts';
import { type Cause, type CauseCode, causeOf } from './causes.ts';

/** How one pull ended. */
export type PullOutcome =
  | { readonly kind: 'came_in' }
  /** containerd answered with an error; its text holds the verifier's reason. */
  | { readonly kind: 'refused'; readonly text: string }
  /** Nobody answered, or not in time. */
  | { readonly kind: 'unanswered'; readonly text: string };

/** What was seen of one run. */
export interface CanaryObservation {
  readonly signed: PullOutcome;
  readonly unsigned: PullOutcome;
  /** Those that the verifier asked the agent about. */
  readonly asked: ReadonlySet<CanaryKind>;
  /** Whether anybody asked the canary's registry for a manifest. */
  readonly registryAsked: boolean;
  /** File name of the verifier: containerd names it when it refuses. */
  readonly verifierName: string;
}

/** How runs end; also label values. */
export const CANARY_RESULTS = ['proved', 'refuted', 'inconclusive'] as const;

export type CanaryResult =
  | { readonly kind: 'proved' }
  | { readonly kind: 'refuted' | 'inconclusive'; readonly cause: Cause };

/**
 * The first row that fits decides:
 *
 * | signed | unsigned | besides | result |
 * |---|---|---|---|
 * | any | came in | agent not asked about it | refuted: `unsigned_image_came_in` |
 * | any | came in | agent asked about it | refuted: `verdict_not_enforced` |
 * | one of them unanswered | | | inconclusive: `containerd_unavailable` |
 * | any | refused | registry not asked | inconclusive: `canary_registry_unreached` |
 * | any | refused, not by our verifier | | inconclusive: `canary_refused_otherwise` |
 * | any | refused by our verifier | agent not asked about both | inconclusive: `agent_not_asked` |
 * | any | refused by our verifier for another reason | | inconclusive: `canary_refused_otherwise` |
 * | refused | refused for lack of a signature | | inconclusive: `signed_image_refused` |
 * | came in | refused for lack of a signature | | proved |
 */
export function judgeCanary(observation: CanaryObservation): CanaryResult {
  const { signed, unsigned, asked, registryAsked, verifierName } = observation;
  if (unsigned.kind === 'came_in') {
    const code = asked.has('unsigned') ? 'verdict_not_enforced' : 'unsigned_image_came_in';
    return { kind: 'refuted', cause: causeOf(code) };
  }
  for (const outcome of [signed, unsigned]) {
    if (outcome.kind === 'unanswered') return neither('containerd_unavailable', outcome.text);
  }
  if (!registryAsked) return neither('canary_registry_unreached', unsigned.text);
  // The verifier's answer follows containerd's own words: agent/pull/answer.ts.
  const refusal = `verifier ${verifierName} rejected image (exit code 1): `;
  if (!unsigned.text.includes(refusal)) return neither('canary_refused_otherwise', unsigned.text);
  if (!asked.has('signed') || !asked.has('unsigned')) {
    return neither('agent_not_asked', unsigned.text);
  }
  if (!unsigned.text.includes(`${refusal}deny: signature_missing: `)) {
    return neither('canary_refused_otherwise', unsigned.text);
  }
  return signed.kind === 'came_in'
    ? { kind: 'proved' }
    : neither('signed_image_refused', signed.text);
}

function neither(code: CauseCode, detail: string): CanaryResult {
  return { kind: 'inconclusive', cause: causeOf(code, detail) };
}
