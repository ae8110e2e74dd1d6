// The metrics of the webhook: what it was asked and answered, how long that took, and what it serves with.
import type { Registry } from 'prom-client';
import type { Verdict } from '../notation/verification/verdict.ts';
import { declarers } from './declarers.ts';

/** What a review came to; `warned` lets in what the policy denies, or only records. */
export const REVIEW_OUTCOMES = ['allowed', 'warned', 'denied', 'invalid', 'failed'] as const;
export type ReviewOutcome = (typeof REVIEW_OUTCOMES)[number];

/** What was asked for. */
const PATHS = ['validate', 'mutate', 'compare'] as const;
type ReviewPathName = (typeof PATHS)[number];

/** Told by the webhook. */
export interface AdmissionMetrics {
  observeReview(path: ReviewPathName, outcome: ReviewOutcome, seconds: number): void;
  countVerdict(verdict: Verdict): void;
  /** A request that was no review. */
  countRefusedRequest(): void;
  setServingCertificateEnd(at: Date): void;
}

const SOURCE = 'admission';
/** From what is known already to the API server's own deadline. */
const BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Declares them. Those of verdicts have the names that they have on a node. */
export function declareAdmission(registry: Registry): AdmissionMetrics {
  const { counter, gauge, histogram } = declarers(registry);
  const reviews = counter(
    'admission_reviews_total',
    'Reviews, by what was asked for and what it came to.',
    ...['path', 'outcome'],
  );
  const duration = histogram(
    'admission_review_duration_seconds',
    'Time from the last byte of a review to its answer.',
    BUCKETS_SECONDS,
    'path',
  );
  // Else no rate would tell of the first.
  for (const path of PATHS) {
    for (const outcome of REVIEW_OUTCOMES) reviews.inc({ path, outcome }, 0);
    duration.zero({ path });
  }
  const refused = counter(
    'admission_requests_refused_total',
    'Requests to the webhook that were no review: malformed, too large or too many at once.',
  );
  const end = gauge(
    'admission_certificate_expiry_timestamp_seconds',
    'When the certificate expires that the webhook serves with.',
  );
  return {
    observeReview: (path, outcome, seconds) => {
      reviews.inc({ path, outcome });
      duration.observe({ path }, seconds);
    },
    countVerdict: declareVerdicts(registry),
    countRefusedRequest: () => refused.inc(),
    setServingCertificateEnd: (at) => end.set(at.getTime() / 1000),
  };
}

function declareVerdicts(registry: Registry): AdmissionMetrics['countVerdict'] {
  const { counter, histogram } = declarers(registry);
  const labels = ['source', 'decision', 'reason'];
  const verdicts = counter('verdicts_total', 'Verdicts given by this process.', ...labels);
  const inconclusive = counter(
    'inconclusive_verdicts_total',
    'Verdicts that deny because nothing could be told: a registry, a responder or time.',
    'source',
  );
  inconclusive.inc({ source: SOURCE }, 0);
  const duration = histogram(
    'verification_duration_seconds',
    'Time from a reference to its verdict.',
    BUCKETS_SECONDS,
    ...['source', 'decision'],
  );
  const skipped = counter(
    'skipped_signatures_total',
    'Signatures looked at that did not decide, because they were no good.',
    'source',
  );
  skipped.inc({ source: SOURCE }, 0);
  return ({ decision, reason, inconclusive: isDoubtful, durationMs, skippedSignatures }) => {
    verdicts.inc({ source: SOURCE, decision, reason });
    inconclusive.inc({ source: SOURCE }, Number(isDoubtful));
    duration.observe({ source: SOURCE, decision }, durationMs / 1000);
    skipped.inc({ source: SOURCE }, skippedSignatures.count);
  };
}
