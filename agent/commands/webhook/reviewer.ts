// Answers reviews, and tells metrics and the audit log of each.
import type { Logger } from 'pino';
import { AgentError } from '../../errors.ts';
import type { ReviewOutcome } from '../../metrics/admission.ts';
import type { WebhookMetrics } from '../../metrics/webhook-metrics.ts';
import { encodeReview, review, type Review, type ReviewParts } from '../../webhook/review.ts';
import type { AskedReview } from '../../webhook/server.ts';
import { admissionLine } from './admission-line.ts';

export interface ReviewerParts extends ReviewParts {
  readonly metrics: Pick<WebhookMetrics, 'observeReview' | 'countVerdict' | 'countError'>;
  readonly auditLog: Pick<Logger, 'info'>;
  /** Milliseconds of a clock that only runs forward. */
  readonly elapsedMs: () => number;
}

/**
 * The bytes of the answer; rejects as `WebhookServerOptions.review` may. Verdicts of `/mutate` are not
 * told: what it leaves or writes is reviewed by `/validate`, right after it. Nor are those of `/compare`,
 * which admit nothing.
 */
export async function answerReview(
  { path, bytes, deadlineMs, signal }: AskedReview,
  parts: ReviewerParts,
): Promise<Uint8Array> {
  const { metrics, auditLog, mode, elapsedMs } = parts;
  const startMs = elapsedMs();
  const observe = (outcome: ReviewOutcome) => {
    metrics.observeReview(path, outcome, (elapsedMs() - startMs) / 1000);
  };
  try {
    const done = await review(bytes, path, { ...parts, deadlineMs }, signal);
    observe(outcomeOf(done));
    if (done.fault !== undefined) metrics.countError(done.fault.code);
    if (path === 'validate') {
      for (const one of done.verdicts) {
        metrics.countVerdict(one.verdict);
        auditLog.info(admissionLine(done, one, mode), `admission: ${one.verdict.decision}`);
      }
    }
    return encodeReview(done);
  } catch (error) {
    observe(error instanceof AgentError ? 'invalid' : 'failed');
    metrics.countError(error instanceof AgentError ? error.code : 'internal');
    throw error;
  }
}

function outcomeOf({ answer, fault }: Review): ReviewOutcome {
  if (fault !== undefined) return 'invalid';
  if (!answer.allowed) return 'denied';
  return answer.warnings.length > 0 ? 'warned' : 'allowed';
}
