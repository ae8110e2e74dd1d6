// Verdicts by image, and a review made with them.
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import {
  encodeReview,
  review,
  type ReviewParts,
  type ReviewPath,
} from '../../agent/webhook/review.ts';
import { type AnswerJson, bytesOf, parseAnswer } from '../support/admission.ts';
import { verdictOf } from '../support/verdict.ts';

/** What is thought of images, by their whole names; what is not named is verified. */
export type Verdicts = Readonly<Record<string, Partial<Verdict>>>;

export const DENIED: Partial<Verdict> = {
  decision: 'deny',
  reason: 'signature_missing',
  message: 'registry.example/app@sha256:ab: expected a Notary Project signature, found none',
  signature: null,
  signer: null,
};

export const LOGGED: Partial<Verdict> = {
  reason: 'failure_logged',
  message: 'allowed although a validation that is only logged did not pass: expiry: too old',
};

/** Knows the verdicts, and what it was asked. */
export function verifierOf(verdicts: Verdicts = {}) {
  const asked: string[] = [];
  const verify: ReviewParts['verify'] = (name) => {
    asked.push(name);
    return Promise.resolve(verdictOf(verdicts[name] ?? {}));
  };
  return { asked, verify };
}

/** How a review is made. */
export interface Reviewing {
  readonly path?: ReviewPath;
  readonly mode?: 'enforce' | 'audit';
  readonly verdicts?: Verdicts;
}

export async function answerTo(
  body: unknown,
  { path = 'validate', mode = 'enforce', verdicts = {} }: Reviewing = {},
): Promise<AnswerJson['response']> {
  const { verify } = verifierOf(verdicts);
  const { signal } = new AbortController();
  const done = await review(bytesOf(body), path, { mode, verify, deadlineMs: 1000 }, signal);
  return parseAnswer(encodeReview(done));
}
