// The metrics of what pulls on this node and the admission webhook say of the same images.
import type { Registry } from 'prom-client';
import { declarers } from './declarers.ts';

/** How a comparison ended. */
const RESULTS = ['agreed', 'disagreed', 'inconclusive', 'failed'] as const;
/** Which of them lets the image in, and why they differ; `agent/audit/admission-comparison.ts` says more. */
const KINDS = ['would_admit', 'would_refuse'] as const;
const CAUSES = ['policy', 'trust', 'evidence'] as const;

/** Told by the agent, where there is a webhook. */
export interface ComparisonMetrics {
  countComparison(result: (typeof RESULTS)[number]): void;
  countAdmissionDisagreement(found: {
    readonly kind: (typeof KINDS)[number];
    readonly cause: (typeof CAUSES)[number];
  }): void;
}

/** Declares them. */
export function declareComparison(registry: Registry): ComparisonMetrics {
  const { counter } = declarers(registry);
  const comparisons = counter(
    'admission_comparisons_total',
    'Verdicts of pulls that the admission webhook was asked about, by whether it would decide the same.',
    'result',
  );
  for (const result of RESULTS) comparisons.inc({ result }, 0);
  const disagreements = counter(
    'admission_disagreements_total',
    'Images that the webhook would admit and this node refuses (would_admit), or the reverse (would_refuse), by what differs.',
    ...['kind', 'cause'],
  );
  for (const kind of KINDS) {
    for (const cause of CAUSES) disagreements.inc({ kind, cause }, 0);
  }
  return {
    countComparison: (result) => comparisons.inc({ result }),
    countAdmissionDisagreement: ({ kind, cause }) => disagreements.inc({ kind, cause }),
  };
}
