// What is wrong with a query of an alert or a dashboard that asks for what the agent does not export.
import { ADMISSION_CAUSES } from '../../agent/audit/admission-comparison.ts';
import * as sets from '../../agent/metrics/labels.ts';
import { REGISTRY_OUTCOMES } from '../../agent/metrics/registries.ts';
import { REVIEW_PATHS } from '../../agent/webhook/review.ts';
import { METRICS } from '../../hack/readme-tables.ts';
import { groupLabelsOf, type Matcher, type Selector, selectorsOf } from './promql.ts';

/** What others export, with their labels. */
const OTHERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['up', []],
  ['kube_node_info', []],
  ['ALERTS', ['alertname', 'alertstate', 'severity']],
]);
/** What a deployment puts on every series. */
export const DEPLOYMENT_LABELS: readonly string[] = ['job', 'instance', 'cluster', 'node'];

/** Values by metric and label, or by label where all metrics have the same. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  'nodeseal_enforcement_state.state': sets.ENFORCEMENT_STATES,
  'nodeseal_images.state': sets.IMAGE_STATES,
  'nodeseal_running_containers.state': sets.IMAGE_STATES,
  'nodeseal_mode.mode': sets.MODES,
  'nodeseal_pulls_total.mode': sets.PULL_MODES,
  'nodeseal_admission_reviews_total.path': REVIEW_PATHS,
  'nodeseal_admission_review_duration_seconds_bucket.path': REVIEW_PATHS,
  'nodeseal_admission_disagreements_total.cause': ADMISSION_CAUSES,
  'nodeseal_signature_lookups_total.result': ['hit', 'miss'],
  judgement: sets.PULL_JUDGEMENTS,
  source: sets.VERDICT_SOURCES,
  decision: sets.DECISIONS,
  outcome: REGISTRY_OUTCOMES,
  job: ['nodeseal'],
};

/** Labels of the series of a metric; undefined when nobody exports it. */
export function labelsOf(metric: string): readonly string[] | undefined {
  const found = METRICS.find(({ name }) => name === metric.replace(/_(?:bucket|sum|count)$/, ''));
  if (found === undefined) return OTHERS.get(metric);
  return [...found.labelNames, ...(metric.endsWith('_bucket') ? ['le'] : [])];
}

/** Metrics, labels and values that a query asks for and that there are not; none for a good one. */
export function faultsOfQuery(query: string): readonly string[] {
  const selectors = selectorsOf(query);
  const known = selectors.flatMap(({ metric }) => labelsOf(metric) ?? []);
  const grouped = groupLabelsOf(query).filter(
    (label) => ![...known, ...DEPLOYMENT_LABELS].includes(label),
  );
  return [
    ...(selectors.length === 0 ? [`no metric: ${query}`] : []),
    ...selectors.flatMap(faultsOfSelector),
    ...grouped.map((label) => `grouped by ${label}`),
  ];
}

function faultsOfSelector({ metric, matchers }: Selector): readonly string[] {
  const labels = labelsOf(metric);
  if (labels === undefined) return [metric];
  return matchers.flatMap((matcher) => {
    const { label } = matcher;
    if (![...labels, ...DEPLOYMENT_LABELS].includes(label)) return [`${metric}.${label}`];
    const values = VALUES[`${metric}.${label}`] ?? VALUES[label] ?? [];
    return valuesOf(matcher)
      .filter((value) => !values.includes(value))
      .map((value) => `${metric}.${label}: ${value}`);
  });
}

/** The values that a matcher names; none where it is left to a variable or to any. */
function valuesOf({ operator, value }: Matcher): readonly string[] {
  if (/[$.]/.test(value)) return [];
  return operator.endsWith('~') ? value.split('|') : [value];
}
