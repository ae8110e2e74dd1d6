// What two answers to one case come to: agreement, a listed difference, or something to be mended.
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import { type Difference, DIFFERENCES } from './differences.ts';
import { type Case, caseName, type Step } from './kind.ts';
import type { Answers } from './world.ts';

export type Outcome =
  /** Both decide the same. */
  | 'agree'
  /** They differ as the list says. */
  | 'differ'
  /** They differ, and no list says so. */
  | 'disagree'
  /** They agree, and the list says that they do not. */
  | 'settled'
  /** Both decide the same, but another validation failed here than there. */
  | 'other reason'
  /** The case is not what it was made to be: nodeseal found its fault elsewhere, or not at all. */
  | 'stray';

export interface Comparison {
  readonly name: string;
  readonly kind: string;
  readonly outcome: Outcome;
  /** What both said, for whoever has to mend it. */
  readonly explanation: string;
}

/** Compares the answers to a case. */
export function compare(
  one: Case,
  { setup, notation, nodeseal }: Answers,
  differences: readonly Difference[] = DIFFERENCES,
): Comparison {
  const listed = differences.find(({ kinds }) => kinds.includes(one.kind));
  const step = stepOf(nodeseal);
  return {
    name: caseName(one),
    kind: one.kind,
    outcome: judge({ setup, notation, nodeseal }, listed),
    explanation: [
      `nodeseal: ${nodeseal.decision} ${nodeseal.reason} (${step}; made for: ${setup.fault}): ${nodeseal.message}`,
      `notation: ${notation.decision} (${notation.failed ?? 'no validation named'}): ${errorsOf(notation.output)}`,
    ].join('\n'),
  };
}

function judge({ setup, notation, nodeseal }: Answers, listed: Difference | undefined): Outcome {
  const step = stepOf(nodeseal);
  if (step !== setup.fault) return 'stray';
  const isSame = notation.decision === nodeseal.decision;
  if (listed !== undefined) {
    if (isSame) return 'settled';
    return nodeseal.decision === listed.nodeseal ? 'differ' : 'disagree';
  }
  if (!isSame) return 'disagree';
  return isSameReason(notation.failed, step, nodeseal.decision) ? 'agree' : 'other reason';
}

/** notation names only validations, and not every time; what it only logs it always names. */
function isSameReason(
  theirs: Step | undefined,
  ours: Step,
  decision: Verdict['decision'],
): boolean {
  if (decision === 'allow') return (theirs ?? 'nothing') === ours;
  return theirs === undefined || ours === 'signatures' || theirs === ours;
}

/** Without the steps that went well. */
function errorsOf(output: string): string {
  return output
    .split('\n')
    .filter((line) => !line.includes('level=info'))
    .join('\n');
}

/** Where nodeseal found the fault: also one that the level only logs. */
export function stepOf({ decision, reason, results }: Verdict): Step {
  const failed = results.find(({ outcome }) => outcome === 'failed' || outcome === 'inconclusive');
  if (failed !== undefined) return failed.type;
  if (decision === 'allow') return 'nothing';
  return reason.startsWith('policy_') ? 'policy' : 'signatures';
}
