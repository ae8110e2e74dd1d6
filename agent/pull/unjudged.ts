// Verdicts that the pull verifier gives where nobody has judged: why it refuses, or why it lets in.
import { AgentError } from '../errors.ts';
import { NONE_SKIPPED, type Verdict } from '../notation/verification/verdict.ts';
import { parseReference, repositoryOf } from '../oci/reference.ts';
import { type BreakGlassOrder, describeBreakGlass } from './break-glass.ts';
import type { Invocation } from './invocation.ts';
import { isoTime } from '../utc.ts';

/** Denies for what kept the verifier from judging. */
export function refuse(
  error: unknown,
  invocation: Invocation | undefined,
  now: Date,
  durationMs: number,
): Verdict {
  const known = error instanceof AgentError ? error : undefined;
  return {
    decision: 'deny',
    reason: known?.code ?? 'internal',
    message: known?.message ?? String(error),
    inconclusive: true,
    ...nothingKnown(invocation, now, durationMs),
  };
}

/** Allows by break-glass. */
export function letIn(
  order: BreakGlassOrder,
  invocation: Invocation | undefined,
  now: Date,
  durationMs: number,
): Verdict {
  return {
    decision: 'allow',
    reason: 'break_glass',
    message: describeBreakGlass(order),
    inconclusive: false,
    ...nothingKnown(invocation, now, durationMs),
  };
}

function nothingKnown(
  invocation: Invocation | undefined,
  now: Date,
  durationMs: number,
): Omit<Verdict, 'decision' | 'reason' | 'message' | 'inconclusive'> {
  return {
    repository: invocation === undefined ? '' : repositoryIn(invocation.name),
    digest: invocation?.digest ?? null,
    policy: null,
    level: null,
    signature: null,
    signer: null,
    results: [],
    skippedSignatures: NONE_SKIPPED,
    policyHash: null,
    trustHash: null,
    validUntil: null,
    time: isoTime(now),
    durationMs,
  };
}

function repositoryIn(name: string): string {
  try {
    return repositoryOf(parseReference(name));
  } catch (error) {
    if (error instanceof AgentError) return '';
    throw error;
  }
}
