// The row of the admission webhook: what it is asked and answers, how long that takes, and whether nodes agree with it.
import { BAD, DOUBTFUL, GOOD, type Panel } from './panel.ts';

const C = 'cluster=~"$cluster"';
const DAY_SECONDS = 86_400;
const QUANTILES = [0.5, 0.95, 0.99] as const;

/** Empty where there is no webhook. */
export const ADMISSION: readonly Panel[] = [
  {
    ...{ kind: 'stacked', width: 8, height: 8 },
    title: 'Reviews',
    description:
      'Per second, by what they came to. `warned` lets in what is denied, in audit mode, or only recorded.',
    queries: [
      {
        expr: `sum by (outcome) (rate(nodeseal_admission_reviews_total{${C}, path="validate"}[$__rate_interval]))`,
        legend: '{{outcome}}',
      },
    ],
    unit: 'reqps',
    colors: { allowed: GOOD, warned: DOUBTFUL, denied: BAD, invalid: 'purple', failed: 'dark-red' },
  },
  {
    ...{ kind: 'timeseries', width: 7, height: 8 },
    title: 'Time to an answer',
    description: 'Whoever creates a pod waits for it; the API server gives up after its timeout.',
    queries: QUANTILES.map((quantile) => ({
      expr: `histogram_quantile(${quantile}, sum by (le) (rate(nodeseal_admission_review_duration_seconds_bucket{${C}, path="validate"}[$__rate_interval])))`,
      legend: `p${quantile * 100}`,
    })),
    unit: 's',
  },
  {
    ...{ kind: 'bars', width: 5, height: 8 },
    title: 'Nodes and admission differ',
    description:
      'Images in the time shown that the webhook would admit and a node refuses, or the reverse, by what differs.',
    queries: [
      {
        expr: `sum by (kind, cause) (increase(nodeseal_admission_disagreements_total{${C}}[$__range])) > 0`,
        legend: '{{kind}} {{cause}}',
      },
    ],
    // Not that there are none: where admission is not compared, nobody counts them.
    nothing: 'None counted',
    thresholds: [
      [null, GOOD],
      [0.5, BAD],
    ],
    runbook: 'NodesealAdmissionDisagrees',
  },
  {
    ...{ kind: 'stat', width: 4, height: 8 },
    title: 'Certificate ends in',
    description:
      'The one that the webhook serves with; it is renewed with a third of its time left.',
    queries: [
      {
        expr: `min(nodeseal_admission_certificate_expiry_timestamp_seconds{${C}}) - time()`,
      },
    ],
    unit: 's',
    thresholds: [
      [null, BAD],
      [7 * DAY_SECONDS, DOUBTFUL],
      [20 * DAY_SECONDS, GOOD],
    ],
    runbook: 'NodesealAdmissionCertificateExpiring',
  },
];
