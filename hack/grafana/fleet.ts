// The dashboard of all nodes: which enforce, what is verified, what is refused, what ends soon.
import { ADMISSION } from './admission.ts';
import type { Dashboard } from './dashboard.ts';
import { BAD, DOUBTFUL, GOOD, NONE_IS_GOOD, PLAIN, type Panel, RUNBOOKS } from './panel.ts';

const C = 'cluster=~"$cluster"';
/** `increase` would not count the first of each reason, before which there is no sample. */
export const more = (sum: string, selector: string, range: string): string =>
  `(${sum} (${selector}) - (${sum} (${selector} offset ${range}) or ${sum} (${selector}) * 0)) > 0`;
export const reasonsOf = (matchers: string): string =>
  more(
    'sum by (reason)',
    `nodeseal_verdicts_total{${matchers}, source="pull", decision="deny"}`,
    '$__range',
  );
export const STATE_COLORS = { enforcing: GOOD, bypassed: BAD, unknown: DOUBTFUL };
export const IMAGE_COLORS = {
  verified: GOOD,
  stale: 'light-green',
  inconclusive: DOUBTFUL,
  unverified: 'blue',
  failed: BAD,
};
const STAT = { kind: 'stat', width: 3, height: 4 } as const;
const GRAPH = { width: 12, height: 8 } as const;
const nodesIn = (state: string): string =>
  `sum(nodeseal_enforcement_state{${C}, state="${state}"}) or vector(0)`;

const NOW: readonly Panel[] = [
  {
    ...STAT,
    title: 'Enforcing',
    description: 'Nodes of which a canary proved that they refuse unsigned images.',
    queries: [{ expr: nodesIn('enforcing') }],
    thresholds: [
      [null, DOUBTFUL],
      [1, GOOD],
    ],
  },
  {
    ...STAT,
    title: 'Bypassed',
    description: 'Nodes that let in what the policy denies, audit mode and break-glass included.',
    queries: [{ expr: nodesIn('bypassed') }],
    thresholds: NONE_IS_GOOD,
    runbook: 'NodesealNodeBypassed',
  },
  {
    ...STAT,
    title: 'Unknown',
    description: 'Nodes of which nothing is proved, and those whose agent does not answer.',
    queries: [
      {
        expr: `(${nodesIn('unknown')}) + (count(up{job="nodeseal", ${C}} == 0) or vector(0))`,
      },
    ],
    thresholds: [
      [null, GOOD],
      [1, DOUBTFUL],
    ],
    runbook: 'NodesealEnforcementUnknown',
  },
  {
    ...STAT,
    title: 'Verified images',
    description: 'Share of the images on all nodes whose signature is good by today’s policy.',
    queries: [
      { expr: `sum(nodeseal_images{${C}, state="verified"}) / (sum(nodeseal_images{${C}}) > 0)` },
    ],
    unit: 'percentunit',
    thresholds: [
      [null, BAD],
      [0.8, DOUBTFUL],
      [0.99, GOOD],
    ],
    runbook: 'NodesealFailedImageRunning',
  },
  {
    ...STAT,
    title: 'Failed, running',
    description: 'Containers that run an image which would be refused today.',
    queries: [{ expr: `sum(nodeseal_running_containers{${C}, state="failed"}) or vector(0)` }],
    thresholds: NONE_IS_GOOD,
    runbook: 'NodesealFailedImageRunning',
  },
  {
    ...STAT,
    title: 'Pulls refused',
    description:
      'Share of the pulls in the time shown that were denied, for whatever reason, and refused.',
    queries: [
      {
        expr:
          `sum(increase(nodeseal_pulls_total{${C}, judgement="deny", mode="enforce"}[$__range]))` +
          ` / (sum(increase(nodeseal_pulls_total{${C}, judgement=~"allow|deny"}[$__range])) > 0)`,
      },
    ],
    unit: 'percentunit',
    thresholds: [
      [null, GOOD],
      [0.05, DOUBTFUL],
      [0.2, BAD],
    ],
    runbook: 'NodesealVerdictFailureRate',
  },
  {
    ...STAT,
    title: 'Trust ends in',
    description: 'Until the first certificate of any trust store on any node expires.',
    queries: [{ expr: `min(nodeseal_truststore_expiry_timestamp_seconds{${C}}) - time()` }],
    unit: 's',
    thresholds: [
      [null, BAD],
      [14 * 86_400, DOUBTFUL],
      [60 * 86_400, GOOD],
    ],
    runbook: 'NodesealTrustExpiring',
  },
  {
    ...STAT,
    title: 'Policies in force',
    description:
      'Different ones on all nodes; more than one for long means that some do not get the change.',
    queries: [
      { expr: `count(count_values("policy", nodeseal_policy_fingerprint{${C}})) or vector(0)` },
    ],
    thresholds: [
      [null, BAD],
      [1, GOOD],
      [2, DOUBTFUL],
    ],
    runbook: 'NodesealPolicyRefused',
  },
];

const OVER_TIME: readonly Panel[] = [
  {
    ...GRAPH,
    kind: 'stacked',
    title: 'Nodes by state',
    description:
      'Each node is in one state; what is missing below the height before has no agent that answers.',
    queries: [{ expr: `sum by (state) (nodeseal_enforcement_state{${C}})`, legend: '{{state}}' }],
    colors: STATE_COLORS,
    runbook: 'NodesealNodeBypassed',
  },
  {
    ...GRAPH,
    kind: 'stacked',
    title: 'Images by state',
    description: 'Images on all nodes by what today’s policy says of them, however they came.',
    queries: [{ expr: `sum by (state) (nodeseal_images{${C}})`, legend: '{{state}}' }],
    colors: IMAGE_COLORS,
  },
  {
    ...GRAPH,
    kind: 'stacked',
    title: 'Verdicts at pull',
    description:
      'Per second. Inconclusive ones deny because a registry or responder could not be asked.',
    queries: [
      {
        expr: `sum(rate(nodeseal_pulls_total{${C}, judgement="allow"}[$__rate_interval]))`,
        legend: 'allow',
      },
      {
        expr:
          `sum(rate(nodeseal_pulls_total{${C}, judgement="deny"}[$__rate_interval]))` +
          ` - sum(rate(nodeseal_inconclusive_verdicts_total{${C}, source="pull"}[$__rate_interval]))`,
        legend: 'deny',
      },
      {
        expr: `sum(rate(nodeseal_inconclusive_verdicts_total{${C}, source="pull"}[$__rate_interval]))`,
        legend: 'inconclusive',
      },
    ],
    unit: 'ops',
    colors: { allow: GOOD, deny: BAD, inconclusive: DOUBTFUL },
    runbook: 'NodesealImagesRefused',
  },
  {
    ...GRAPH,
    kind: 'timeseries',
    title: 'Time to a verdict',
    description: 'The 95th percentile. The kubelet waits for it with each pull.',
    queries: [
      {
        expr: `histogram_quantile(0.95, sum by (source, le) (rate(nodeseal_verification_duration_seconds_bucket{${C}}[$__rate_interval])))`,
        legend: '{{source}}',
      },
    ],
    unit: 's',
  },
];

const WHY: readonly Panel[] = [
  {
    ...{ kind: 'bars', width: 8, height: 8 },
    title: 'Reasons of refused pulls',
    description: 'In the time shown; README says what each means.',
    queries: [
      {
        expr: `topk(10, ${reasonsOf(C)})`,
        legend: '{{reason}}',
      },
    ],
    unit: 'short',
    thresholds: [[null, BAD]],
    runbook: 'NodesealImagesRefused',
  },
  {
    ...{ kind: 'bars', width: 8, height: 8 },
    title: 'Causes',
    description: 'Nodes by what speaks against their enforcement, or ended it.',
    queries: [
      { expr: `sum by (code) (nodeseal_enforcement_causes{${C}}) > 0`, legend: '{{code}}' },
    ],
    thresholds: [[null, DOUBTFUL]],
    runbook: 'NodesealNodeBypassed',
  },
  {
    ...{ kind: 'bars', width: 8, height: 8 },
    title: 'Images that failed, by how they came',
    description: 'Those on all nodes that would be refused today.',
    queries: [
      { expr: `sum by (cause) (nodeseal_images{${C}, state="failed"}) > 0`, legend: '{{cause}}' },
    ],
    thresholds: [[null, BAD]],
    runbook: 'NodesealFailedImageRunning',
  },
];

const WHERE: readonly Panel[] = [
  {
    ...{ kind: 'table', width: 14, height: 9 },
    title: 'Nodes',
    description:
      'A click on a node shows all of it. Proof is since a canary last proved that it enforces.',
    queries: [
      { expr: `max by (cluster, node, state) (nodeseal_enforcement_state{${C}}) == 1` },
      {
        expr: `time() - max by (cluster, node) (nodeseal_canary_last_success_timestamp_seconds{${C}})`,
      },
      { expr: `sum by (cluster, node) (nodeseal_running_containers{${C}, state="failed"})` },
      {
        expr: `sum by (cluster, node) (increase(nodeseal_pulls_total{${C}, judgement="deny", mode="enforce"}[$__range]))`,
      },
    ],
    columns: {
      cluster: { title: 'Cluster' },
      node: {
        title: 'Node',
        link: {
          title: 'This node',
          url: '/d/nodeseal-node?var-cluster=${__data.fields.Cluster}&var-node=${__data.fields.Node}&${__url_time_range}',
        },
      },
      state: { title: 'State', colors: STATE_COLORS },
      'Value #B': { title: 'Proof', unit: 's' },
      'Value #C': { title: 'Failed, running' },
      // Prometheus reckons to the ends of the time, which makes fractions.
      'Value #D': { title: 'Refused', decimals: 0 },
    },
    // `bypassed` comes first.
    sortBy: 'State',
  },
  {
    ...{ kind: 'table', width: 10, height: 9 },
    title: 'Trust that ends first',
    description:
      'By type of trust store: until its first certificate expires, on the node where that is soonest; and until the first CRL or carried OCSP answer ends.',
    queries: [
      {
        expr:
          `sort(min by (cluster, type) (nodeseal_truststore_expiry_timestamp_seconds{${C}}) - time()` +
          ` or label_replace(min by (cluster) (nodeseal_crl_expiry_timestamp_seconds{${C}}) - time(), "type", "CRL", "", "")` +
          ` or label_replace(min by (cluster) (nodeseal_carried_ocsp_expiry_timestamp_seconds{${C}}) - time(), "type", "OCSP, carried in", "", ""))`,
      },
    ],
    thresholds: PLAIN,
    columns: {
      cluster: { title: 'Cluster' },
      type: { title: 'What' },
      Value: { title: 'Ends in', unit: 's' },
    },
    runbook: 'NodesealTrustExpiring',
  },
  {
    ...{ kind: 'timeseries', width: 12, height: 8 },
    title: 'Registries in trouble',
    description: 'Requests per second that a registry did not answer, or refused or failed.',
    queries: [
      {
        expr: `sum by (registry, outcome) (rate(nodeseal_registry_requests_total{${C}, outcome=~"denied|throttled|refused|failed|no_answer"}[$__rate_interval])) > 0`,
        legend: '{{registry}} {{outcome}}',
      },
    ],
    unit: 'reqps',
    runbook: 'NodesealInconclusiveVerdicts',
  },
  {
    ...{ kind: 'table', width: 12, height: 8 },
    title: 'Alerts',
    description: 'Of the rules in manifests/prometheus. A click leads to the runbook.',
    queries: [{ expr: `ALERTS{alertname=~"Nodeseal.+", ${C}}` }],
    columns: {
      alertname: {
        title: 'Alert',
        link: {
          title: 'Runbook',
          url: `${RUNBOOKS}/\${__value.text}.md`,
        },
      },
      alertstate: { title: 'State', colors: { firing: BAD, pending: DOUBTFUL } },
      severity: { title: 'Severity' },
      node: { title: 'Node' },
    },
    sortBy: 'Alert',
  },
];

export const FLEET: Dashboard = {
  uid: 'nodeseal-fleet',
  title: 'nodeseal: fleet',
  description: 'Do the nodes refuse what is not signed as the policy says, and how do we know?',
  hasNode: false,
  rows: [
    { title: 'Now', panels: NOW },
    { title: 'Over time', panels: OVER_TIME },
    { title: 'Why', panels: WHY },
    { title: 'Where', panels: WHERE },
    { title: 'Admission', panels: ADMISSION },
  ],
};
