// What a pull is once no line can change that any more: counted as one thing, told once, closed. Pure.
import type { HistoryRecord } from './history-record.ts';
import type { VerdictMode } from './image-state.ts';
import { PULL_CAUSES, type Pull, type PullCause, type PullJudgement } from './pull.ts';
import { LATE_US, OWN_VERIFIER } from './pull-join.ts';
import { isoTime } from '../utc.ts';

/** What a pull counts as. */
export interface PullCount {
  readonly judgement: PullJudgement;
  readonly cause: PullCause;
  /** Of our verdict; `none` without one. */
  readonly mode: VerdictMode;
}

/** How a pull is counted. One that is counted already, as the same, whatever came after. */
export function countOf(pull: Pull): PullCount {
  const judgement = pull.counted ?? judgementOf(pull);
  return { judgement, cause: causeOf(judgement, pull), mode: pull.mode };
}

function judgementOf({ decision, containerd, end }: Pull): PullJudgement {
  if (decision !== null) return decision;
  if (containerd === 'blocked' || containerd === 'no_judgement') return containerd;
  return containerd === 'allowed' || end === 'finished' ? 'unjudged' : 'not_reached';
}

function causeOf(judgement: PullJudgement, { verifier, cause }: Pull): PullCause {
  if (judgement === 'blocked') {
    return verifier === OWN_VERIFIER ? 'verdict_lost' : 'other_verifier';
  }
  if (judgement !== 'no_judgement') return '';
  return PULL_CAUSES.find((known) => known === cause && known !== '') ?? 'other';
}

/** A pull whose time has come: uncounted, it is to be counted and told of; else to be closed. */
export function settled(pull: Pull): { readonly pull: Pull; readonly told: HistoryRecord | null } {
  const { judgement } = countOf(pull);
  const dueUs = pull.dueUs + LATE_US;
  return { pull: { ...pull, counted: judgement, dueUs }, told: record(judgement, pull) };
}

// A pull without a verdict of ours. That nobody was asked is no decision.
function record(judgement: PullJudgement, pull: Pull): HistoryRecord | null {
  if (judgement !== 'blocked' && judgement !== 'no_judgement' && judgement !== 'unjudged')
    return null;
  const { repository, digest, name, runtimeMs } = pull;
  const atUs = pull.judgedUs ?? pull.endedUs ?? pull.dueUs;
  return {
    time: isoTime(new Date(atUs / 1000)),
    ...{ kind: 'pull', repository, digest, name },
    decision: judgement === 'unjudged' ? 'allow' : 'deny',
    reason: judgement,
    message: judgement === 'unjudged' ? UNJUDGED : pull.reason,
    inconclusive: judgement === 'no_judgement',
    ...{ mode: 'none', policy: null, signature: null, signer: null },
    ...{ policyHash: null, trustHash: null, durationMs: runtimeMs ?? 0 },
    ...{ via: 'containerd', before: null },
  };
}

const UNJUDGED = 'containerd pulled the image without a verdict of nodeseal';
