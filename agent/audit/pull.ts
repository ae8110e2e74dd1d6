// One pull as its lines tell it, from the request to its end.
import type { Decision } from '../notation/verification/verdict.ts';
import type { Digest } from '../oci/digest.ts';
import type { VerdictMode } from './image-state.ts';
import type { ContainerdJudgement } from './pull-line.ts';

/**
 * What a pull is counted as, once. `allow`, `deny`: as our verifier said. `blocked`: containerd refused
 * it, and no verdict of ours is known. `no_judgement`: the same, because a verifier gave none.
 * `unjudged`: the image came in without a verdict of ours. `not_reached`: it ended before a verifier
 * was called, such as for an image that does not exist.
 */
export const PULL_JUDGEMENTS = [
  'allow',
  'deny',
  'blocked',
  'no_judgement',
  'unjudged',
  'not_reached',
] as const;
export type PullJudgement = (typeof PULL_JUDGEMENTS)[number];

/**
 * Of a pull that was blocked: by another verifier, or by ours, whose verdict line is lost; of one
 * without judgement: why. Empty for all others.
 */
export const PULL_CAUSES = [
  '',
  'other_verifier',
  'verdict_lost',
  'timeout',
  'killed',
  'exec_failed',
  'output_held',
  'other',
] as const;
export type PullCause = (typeof PULL_CAUSES)[number];

export type PullEnd = 'finished' | 'failed' | 'interrupted';

/** Times are those of the lines, in microseconds since 1970; null until there is such a line. */
export interface Pull {
  /** In the order in which pulls became known; null before the ledger has it. */
  readonly id: number | null;
  /** '' when unknown. */
  readonly repository: string;
  readonly digest: Digest | null;
  /** Normalised, as verifiers are given it. */
  readonly name: string;
  /** As kubelet named it; null of pulls by others. */
  readonly requested: string | null;
  readonly startedUs: number | null;
  readonly judgedUs: number | null;
  readonly endedUs: number | null;
  /** Of our verifier. */
  readonly decision: Decision | null;
  readonly mode: VerdictMode;
  /** What containerd made of its verifiers' answers. */
  readonly containerd: ContainerdJudgement | null;
  /** The verifier that containerd names. */
  readonly verifier: string | null;
  readonly cause: string | null;
  readonly reason: string;
  readonly runtimeMs: number | null;
  readonly end: PullEnd | null;
  /** When containerd made or changed a record of its name, after it was judged. */
  readonly arrivedUs: number | null;
  readonly counted: PullJudgement | null;
  /** From then on it is settled: first counted, if it is not yet, then closed. */
  readonly dueUs: number;
  /** Its line of the audit trail. */
  readonly historyId: number | null;
}

/** What a verdict and its mode come to. */
export type Fate = 'let_in' | 'refused';

/** Null when there is no verdict of ours. */
export function fateOf({ decision, mode }: Pick<Pull, 'decision' | 'mode'>): Fate | null {
  if (decision === null) return null;
  return decision === 'deny' && mode === 'enforce' ? 'refused' : 'let_in';
}

/** What became of it by containerd's lines alone; null while they do not tell. */
export function fateAtContainerd({ end, arrivedUs, containerd }: Pull): Fate | null {
  if (end === 'finished' || arrivedUs !== null) return 'let_in';
  if (containerd === null) return null;
  return containerd === 'allowed' ? 'let_in' : 'refused';
}

/** A pull of which nothing is known yet. */
export const UNKNOWN_PULL: Omit<Pull, 'dueUs'> = {
  id: null,
  repository: '',
  digest: null,
  name: '',
  requested: null,
  startedUs: null,
  judgedUs: null,
  endedUs: null,
  decision: null,
  mode: 'none',
  containerd: null,
  verifier: null,
  cause: null,
  reason: '',
  runtimeMs: null,
  end: null,
  arrivedUs: null,
  counted: null,
  historyId: null,
};
