// One review from its bytes to its answer: what both paths of the webhook do.
import { AgentError } from '../errors.ts';
import type { Verdict } from '../notation/verification/verdict.ts';
import { type AdmissionRequest, parseAdmissionReview } from './admission-review.ts';
import {
  type AdmissionMode,
  type Answer,
  encodeAnswer,
  mutated,
  refused,
  validated,
} from './answer.ts';
import { compared } from './comparison.ts';
import { type ImageVerdict, judgeImages } from './judgement.ts';
import { newImageUses, podSpecOf } from './workload.ts';
import { pullIdentityOf, type PullIdentity } from './pull-identity.ts';

/** What is asked for: whether to let in, what to write in, or, by a node, what the verdict would be. */
export const REVIEW_PATHS = ['validate', 'mutate', 'compare'] as const;
export type ReviewPath = (typeof REVIEW_PATHS)[number];

/** What reviews are made from. */
export interface ReviewParts {
  readonly mode: AdmissionMode;
  /** As `VerifyImage`; `identity` says whose secrets open the registry. */
  readonly verify: (name: string, identity: PullIdentity, signal: AbortSignal) => Promise<Verdict>;
}

/** What was asked, and what came of it. */
export interface Review {
  readonly request: AdmissionRequest;
  readonly verdicts: readonly ImageVerdict[];
  readonly answer: Answer;
  /** Why the object could not be judged, if so. */
  readonly fault?: AgentError;
}

const BAD_REQUEST = 400;

/**
 * Reviews. An object that cannot be judged is refused by `/validate` and `/compare`, and left by
 * `/mutate`, after which comes the first. Throws `admission_review_invalid` for what is no AdmissionReview at all.
 */
export async function review(
  bytes: Uint8Array,
  path: ReviewPath,
  { deadlineMs, ...parts }: ReviewParts & { readonly deadlineMs: number },
  signal: AbortSignal,
): Promise<Review> {
  const request = parseAdmissionReview(bytes);
  try {
    const uses = newImageUses(request);
    const identity = pullIdentityOf(request.namespace, podSpecOf(request));
    const verify = (name: string, within: AbortSignal) => parts.verify(name, identity, within);
    const verdicts = await judgeImages(uses, verify, deadlineMs, signal);
    return { request, verdicts, answer: answerOf(path, verdicts, parts.mode) };
  } catch (fault) {
    if (!(fault instanceof AgentError)) throw fault;
    const answer = path === 'mutate' ? mutated([]) : refused(BAD_REQUEST, fault.message);
    return { request, verdicts: [], answer, fault };
  }
}

function answerOf(
  path: ReviewPath,
  verdicts: readonly ImageVerdict[],
  mode: AdmissionMode,
): Answer {
  switch (path) {
    case 'validate':
      return validated(verdicts, mode);
    case 'mutate':
      return mutated(verdicts);
    case 'compare':
      return compared(verdicts);
  }
}

/** The bytes of its answer. */
export function encodeReview({ request, answer }: Review): Uint8Array {
  return encodeAnswer(request.uid, answer);
}
