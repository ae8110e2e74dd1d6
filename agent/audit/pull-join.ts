// Which pull a line belongs to, and what the pull is with it. Pure: decided by the lines and their times alone.
import type { Digest } from '../oci/digest.ts';
import type { HistoryRecord } from './history-record.ts';
import { type Fate, fateAtContainerd, fateOf, type Pull, UNKNOWN_PULL } from './pull.ts';
import type { PullLine } from './pull-line.ts';
import { normalizedName } from './pull-name.ts';

/** The pulls that are not closed. Each finder returns those that became known first, first. */
export interface OpenPulls {
  /** Of this image, without a verdict of ours, and containerd told how they went. */
  unexplained(digest: Digest): readonly Pull[];
  /** With a verdict of this fate given from `fromUs` on, of which containerd has told nothing. */
  unconfirmed(digest: Digest, repository: string, fate: Fate, fromUs: number): Pull | undefined;
  /** Asked for by kubelet under this name, and not ended. */
  started(requested: string): readonly Pull[];
  /** Asked for by kubelet, without any judgement; not ended, or else failed after `endedAfterUs`. */
  unjudged(name: string, endedAfterUs: number): Pull | undefined;
  /**
   * Let in from `fromUs` on, not ended, not asked for by kubelet as far as is known, and not there
   * before `arrivedFromUs`.
   */
  letIn(
    digest: Digest,
    repository: string,
    fromUs: number,
    arrivedFromUs: number,
  ): Pull | undefined;
  /** Judged under this name in that time, not ended, and not asked for by kubelet as far as is known. */
  unasked(name: string, fromUs: number, toUs: number): Pull | undefined;
  /** Let in under this name, not ended, and no record of it is there. */
  awaited(name: string): Pull | undefined;
  /** Asked for by kubelet, and not ended. */
  running(): readonly Pull[];
}

/** What a line does. */
export type PullChange =
  | {
      readonly pull: Pull;
      /** It is counted now. */
      readonly isCounted?: boolean;
      /** A verdict to be told of in the audit trail. */
      readonly told?: HistoryRecord;
      /** containerd did otherwise than the verdict that was told of. */
      readonly isContradicted?: true;
    }
  /** It turned out to be a part of another. */
  | { readonly dropped: number };

/** By how much lines may be out of order: journald serves its clients in turn, and clocks are read twice. */
export const SKEW_US = 5_000_000;
/** All verifiers' time, of which ours may have been the first. */
export const JUDGEMENT_WINDOW_US = 60_000_000;
/** The longest that a pull is expected to take. */
export const MAX_PULL_US = 3_600_000_000;
/** How long a pull that ended is kept open for what is still to be told of it. */
export const LATE_US = 600_000_000;

/** The name of our verifier in `bin_dir`. */
export const OWN_VERIFIER = 'nodeseal-verifier';

/** Takes one line, at its time. Lines must come in the order of their times. */
export function joinLine(open: OpenPulls, line: PullLine, atUs: number): readonly PullChange[] {
  switch (line.kind) {
    case 'verdict':
      return judged(open, line.verdict, atUs);
    case 'judgement':
      return judgedByContainerd(open, line, atUs);
    case 'started':
      return [{ pull: startedPull(line.requested, atUs) }];
    case 'finished':
      return finished(open, line, atUs);
    case 'failed':
      return failed(open, line, atUs);
    case 'arrived': {
      const pull = open.awaited(line.name);
      return pull === undefined ? [] : [{ pull: { ...pull, arrivedUs: atUs } }];
    }
    case 'restarted':
      return open.running().map((pull) => ({ pull: ended(pull, 'interrupted', atUs) }));
  }
}

function startedPull(requested: string, atUs: number): Pull {
  const name = normalizedName(requested);
  return { ...UNKNOWN_PULL, requested, name, startedUs: atUs, dueUs: atUs + MAX_PULL_US };
}

function judged(open: OpenPulls, verdict: HistoryRecord, atUs: number): readonly PullChange[] {
  const { repository, digest, name, decision, mode } = verdict;
  const fate = fateOf(verdict);
  const known =
    digest === null || fate === null
      ? undefined
      : // One that was asked for, first: it may be another try, after one that got no verdict.
        (open.unjudged(name, atUs - SKEW_US) ??
        open
          .unexplained(digest)
          .find((pull) => isOfSame(pull, repository) && isExplained(pull, fate, atUs)));
  const base = known ?? { ...UNKNOWN_PULL, repository, digest, name, dueUs: 0 };
  const pull = { ...base, repository, digest, name, decision, mode, judgedUs: atUs };
  const counted = base.counted ?? decision;
  const dueUs = atUs + (isOver(pull) ? LATE_US : MAX_PULL_US);
  const admission = known === undefined ? null : fateAtContainerd(pull);
  const told = admission === null ? verdict : { ...verdict, admitted: admission === 'let_in' };
  return [{ pull: { ...pull, counted, dueUs }, isCounted: base.counted === null, told }];
}

function judgedByContainerd(
  open: OpenPulls,
  line: Extract<PullLine, { kind: 'judgement' }>,
  atUs: number,
): readonly PullChange[] {
  const { judgement, name, repository, digest, reason, verifier, cause, runtimeMs } = line;
  const told = { containerd: judgement, reason, verifier, cause, runtimeMs };
  const confirmed = fatesBehind(line)
    .map((fate) => open.unconfirmed(digest, repository, fate, atUs - windowUs(line)))
    .find((pull) => pull !== undefined);
  if (confirmed !== undefined) {
    const pull = { ...confirmed, ...told };
    return [contradictable({ ...pull, dueUs: isOver(pull) ? atUs + LATE_US : pull.dueUs })];
  }
  const base = open.unjudged(name, atUs - SKEW_US) ?? { ...UNKNOWN_PULL, name };
  const pull = { ...base, ...told, repository, digest, judgedUs: atUs };
  return [{ pull: { ...pull, dueUs: atUs + SKEW_US } }];
}

function finished(
  open: OpenPulls,
  line: Extract<PullLine, { kind: 'finished' }>,
  atUs: number,
): readonly PullChange[] {
  const { requested, repository, digest } = line;
  const started = open.started(requested);
  const own = started.filter((pull) => pull.digest === digest);
  const unjudged = started.find((pull) => pull.digest === null);
  const sinceUs = (unjudged?.startedUs ?? atUs - MAX_PULL_US) - SKEW_US;
  // One that was refused is taken for this one only where no other can be.
  const judgedOne =
    own.find((pull) => fateOf(pull) === 'let_in' || pull.containerd === 'allowed') ??
    open.letIn(digest, repository, sinceUs, atUs - SKEW_US) ??
    own[0];
  if (judgedOne === undefined) {
    const base = unjudged ?? { ...UNKNOWN_PULL, requested, name: normalizedName(requested) };
    const pull = { ...base, repository, digest, end: 'finished', endedUs: atUs } as const;
    return [{ pull: { ...pull, dueUs: atUs + SKEW_US } }];
  }
  const isPart = judgedOne.requested === null;
  const startedUs = isPart ? (unjudged?.startedUs ?? null) : judgedOne.startedUs;
  const change = contradictable(ended({ ...judgedOne, requested, startedUs }, 'finished', atUs));
  const part = isPart ? unjudged?.id : null;
  return part === null || part === undefined ? [change] : [change, { dropped: part }];
}

function failed(
  open: OpenPulls,
  { requested, isUnresolved }: Extract<PullLine, { kind: 'failed' }>,
  atUs: number,
): readonly PullChange[] {
  const started = open.started(requested);
  const unjudged = started.find(({ judgedUs }) => judgedUs === null);
  const refused = started.find((pull) => pull.judgedUs !== null && isRefused(pull));
  const pull = (isUnresolved ? unjudged : refused) ?? started[0];
  if (pull === undefined) return [];
  const judgedFirst = isUnresolved ? undefined : judgedBeforeItsStart(open, pull);
  if (judgedFirst === undefined || pull.id === null) return [{ pull: ended(pull, 'failed', atUs) }];
  const whole = { ...judgedFirst, requested, startedUs: pull.startedUs };
  return [{ pull: ended(whole, 'failed', atUs) }, { dropped: pull.id }];
}

// journald that was restarted takes the verifier's new connection before it reads containerd's old one.
function judgedBeforeItsStart(open: OpenPulls, { name, startedUs, judgedUs }: Pull) {
  if (startedUs === null || judgedUs !== null) return undefined;
  return open.unasked(name, startedUs - SKEW_US, startedUs);
}

function ended(pull: Pull, end: NonNullable<Pull['end']>, atUs: number): Pull {
  const dueUs = atUs + (pull.counted === null ? SKEW_US : LATE_US);
  return { ...pull, end, endedUs: atUs, dueUs };
}

function contradictable(pull: Pull): PullChange {
  const fate = fateOf(pull);
  const isContradicted = fate !== null && fateAtContainerd(pull) !== fate;
  return isContradicted ? { pull, isContradicted } : { pull };
}

// Whether a verdict can be what containerd's word on this pull came of.
function isExplained(pull: Pull, fate: Fate, atUs: number): boolean {
  const { containerd, judgedUs, endedUs, verifier, cause, runtimeMs } = pull;
  const toldUs = containerd === null ? endedUs : judgedUs;
  if (toldUs === null || atUs - toldUs > SKEW_US) return false;
  if (containerd === null) return fate === 'let_in';
  const line = { judgement: containerd, verifier, cause, runtimeMs };
  return fatesBehind(line).includes(fate) && toldUs - atUs <= windowUs(line);
}

type Word = Pick<
  Extract<PullLine, { kind: 'judgement' }>,
  'judgement' | 'verifier' | 'cause' | 'runtimeMs'
>;

// The verdicts of ours, the likelier first, that can be behind what containerd says.
function fatesBehind({ judgement, verifier, cause }: Word): readonly Fate[] {
  if (judgement === 'allowed') return ['let_in'];
  if (judgement === 'blocked') {
    return verifier === OWN_VERIFIER
      ? ['refused']
      : verifier === null
        ? ['refused', 'let_in']
        : ['let_in'];
  }
  if (verifier === null) return [];
  if (verifier !== OWN_VERIFIER) return ['let_in'];
  // Ours may have been killed after it had filed its verdict.
  return cause === 'exec_failed' ? [] : ['refused', 'let_in'];
}

function windowUs({ judgement, verifier, runtimeMs }: Word): number {
  const isOwnRun = judgement === 'no_judgement' && verifier === OWN_VERIFIER && runtimeMs !== null;
  return isOwnRun ? Math.ceil(runtimeMs * 1000) + SKEW_US : JUDGEMENT_WINDOW_US;
}

function isRefused(pull: Pull): boolean {
  return (fateAtContainerd(pull) ?? fateOf(pull)) === 'refused';
}

// Nothing more is expected of it.
function isOver(pull: Pull): boolean {
  return pull.end !== null || isRefused(pull);
}

function isOfSame(pull: Pull, repository: string): boolean {
  return pull.repository === repository || pull.repository === '' || repository === '';
}
