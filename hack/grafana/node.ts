// The dashboard of one node: its proof, its images, its pulls, what it asks of others, and the agent itself.
import type { Dashboard } from './dashboard.ts';
import { IMAGE_COLORS, more, reasonsOf, STATE_COLORS } from './fleet.ts';
import { BAD, DOUBTFUL, GOOD, NONE_IS_GOOD, PLAIN, type Panel, type Query } from './panel.ts';

const N = 'cluster=~"$cluster", node="$node"';
const STAT = { kind: 'stat', width: 4, height: 4 } as const;
const GRAPH = { kind: 'timeseries', width: 8, height: 8 } as const;

const rate = (metric: string, by: string, more = ''): Query => ({
  expr: `sum by (${by}) (rate(${metric}{${N}${more}}[$__rate_interval]))`,
  legend: by
    .split(', ')
    .map((label) => `{{${label}}}`)
    .join(' '),
});

/** What has no label to be told by. */
const named = (label: string, name: string, expr: string): string =>
  `label_replace(${expr}, "${label}", "${name}", "", "")`;

const PROOF: readonly Panel[] = [
  {
    ...STAT,
    title: 'State',
    description: 'Whether this node refuses what the policy denies, by the proof of a canary.',
    queries: [
      { expr: `max by (state) (nodeseal_enforcement_state{${N}}) == 1`, legend: '{{state}}' },
    ],
    showsName: true,
    colors: STATE_COLORS,
    runbook: 'NodesealNodeBypassed',
  },
  {
    ...STAT,
    title: 'Mode',
    description: 'What is set for this node: audit judges and lets in, enforce refuses.',
    queries: [{ expr: `max by (mode) (nodeseal_mode{${N}}) == 1`, legend: '{{mode}}' }],
    showsName: true,
    colors: { enforce: GOOD, audit: DOUBTFUL },
  },
  {
    ...STAT,
    title: 'Proved',
    description: 'Since a canary last proved that this node enforces.',
    queries: [{ expr: `time() - max(nodeseal_canary_last_success_timestamp_seconds{${N}})` }],
    unit: 's',
    thresholds: [
      [null, GOOD],
      [7_200, DOUBTFUL],
      [14_400, BAD],
    ],
    runbook: 'NodesealCanaryStale',
  },
  {
    ...STAT,
    title: 'Last canary',
    description:
      'How the last one ended, and since it began: proved, refuted (it is bypassed) or inconclusive.',
    queries: [
      {
        expr: `time() - max by (result) (nodeseal_canary_last_run_timestamp_seconds{${N}})`,
        legend: '{{result}}',
      },
    ],
    unit: 's',
    showsName: true,
    colors: { proved: GOOD, refuted: BAD, inconclusive: DOUBTFUL },
    runbook: 'NodesealCanaryStale',
  },
  {
    ...STAT,
    title: 'Break-glass',
    description: '1 while break-glass lets every image in.',
    queries: [{ expr: `max(nodeseal_break_glass_active{${N}})` }],
    thresholds: NONE_IS_GOOD,
    runbook: 'NodesealBreakGlassActive',
  },
  {
    ...STAT,
    title: 'Policy and trust offered',
    description:
      '1 if what was offered last is in force; 0 while it is refused and the last good stays.',
    queries: [
      { expr: `min(nodeseal_policy_valid{${N}})`, legend: 'policy' },
      { expr: `min(nodeseal_truststore_valid{${N}})`, legend: 'trust' },
    ],
    thresholds: [
      [null, BAD],
      [1, GOOD],
    ],
    runbook: 'NodesealPolicyRefused',
  },
  {
    ...{ kind: 'bars', width: 8, height: 6 },
    title: 'Causes',
    description:
      'What decided the state of this node, and what else speaks against it; README explains each.',
    queries: [
      { expr: `max by (code) (nodeseal_enforcement_causes{${N}}) > 0`, legend: '{{code}}' },
    ],
    thresholds: [[null, DOUBTFUL]],
    runbook: 'NodesealNodeBypassed',
  },
  {
    ...{ kind: 'stacked', width: 8, height: 6 },
    title: 'State over time',
    description: 'One of the three at any time.',
    max: 1,
    queries: [{ expr: `max by (state) (nodeseal_enforcement_state{${N}})`, legend: '{{state}}' }],
    colors: STATE_COLORS,
  },
  {
    ...{ kind: 'table', width: 8, height: 6 },
    title: 'What ends when',
    description:
      'Until the first certificate of each type of trust store expires, the first CRL in use, and the first OCSP answer that was carried in.',
    queries: [
      {
        expr: [
          `max by (type) (nodeseal_truststore_expiry_timestamp_seconds{${N}}) - time()`,
          named('type', 'CRL', `max(nodeseal_crl_expiry_timestamp_seconds{${N}}) - time()`),
          named(
            'type',
            'OCSP, carried in',
            `max(nodeseal_carried_ocsp_expiry_timestamp_seconds{${N}}) - time()`,
          ),
        ].join(' or '),
      },
    ],
    thresholds: PLAIN,
    columns: { type: { title: 'What' }, Value: { title: 'Ends in', unit: 's' } },
    runbook: 'NodesealTrustExpiring',
  },
];

const IMAGES: readonly Panel[] = [
  {
    ...GRAPH,
    kind: 'stacked',
    title: 'Images by state',
    description: 'What today’s policy says of the images on this node.',
    queries: [{ expr: `sum by (state) (nodeseal_images{${N}})`, legend: '{{state}}' }],
    colors: IMAGE_COLORS,
  },
  {
    ...GRAPH,
    kind: 'stacked',
    title: 'Running containers by state of their image',
    description: 'Those of failed images run what would be refused today.',
    queries: [{ expr: `sum by (state) (nodeseal_running_containers{${N}})`, legend: '{{state}}' }],
    colors: IMAGE_COLORS,
    runbook: 'NodesealFailedImageRunning',
  },
  {
    ...GRAPH,
    kind: 'bars',
    title: 'Images by how they came',
    description: 'Pulled ones were judged as they came; all are verified out of band.',
    queries: [{ expr: `sum by (cause) (nodeseal_images{${N}}) > 0`, legend: '{{cause}}' }],
  },
  {
    ...GRAPH,
    title: 'Re-verification',
    description:
      'Images verified per second: known needs no request, paused waits for a registry in trouble.',
    queries: [rate('nodeseal_reverifications_total', 'by')],
    unit: 'ops',
  },
  {
    ...GRAPH,
    title: 'Verdicts that turned',
    description: 'In the last hour: from allow to deny, trust was withdrawn or the policy changed.',
    queries: [
      {
        expr: `sum by (from, to) (increase(nodeseal_verdict_flips_total{${N}}[1h]))`,
        legend: '{{from}} to {{to}}',
      },
    ],
  },
  {
    ...GRAPH,
    title: 'Disagreements with containerd',
    description: 'In the last hour: images it let in that we would deny, and the reverse.',
    queries: [
      {
        expr: `sum by (kind, cause) (increase(nodeseal_disagreements_total{${N}}[1h])) > 0`,
        legend: '{{kind}} {{cause}}',
      },
    ],
    runbook: 'NodesealNodeBypassed',
  },
];

const PULLS: readonly Panel[] = [
  {
    ...GRAPH,
    kind: 'stacked',
    title: 'Pulls',
    description: 'Per second, each counted once; unjudged ones came in without a verdict of ours.',
    queries: [rate('nodeseal_pulls_total', 'judgement')],
    unit: 'ops',
    colors: { allow: GOOD, deny: BAD, unjudged: 'purple', no_judgement: DOUBTFUL },
  },
  {
    ...GRAPH,
    kind: 'bars',
    title: 'Reasons of refused pulls',
    description: 'In the time shown.',
    queries: [
      {
        expr: reasonsOf(N),
        legend: '{{reason}}',
      },
    ],
    thresholds: [[null, BAD]],
    runbook: 'NodesealImagesRefused',
  },
  {
    ...GRAPH,
    title: 'Time to a verdict at pull',
    description: 'From a reference to its verdict.',
    queries: [0.5, 0.95, 0.99].map((quantile) => ({
      expr: `histogram_quantile(${quantile}, sum by (le) (rate(nodeseal_verification_duration_seconds_bucket{${N}, source="pull"}[$__rate_interval])))`,
      legend: `p${quantile * 100}`,
    })),
    unit: 's',
  },
  {
    ...GRAPH,
    title: 'Requests to registries',
    description:
      'Per second. A 401 asks for a token and is no fault; loopback is the canary’s own.',
    queries: [rate('nodeseal_registry_requests_total', 'registry, outcome')].map((query) => ({
      ...query,
      expr: `${query.expr} > 0`,
    })),
    unit: 'reqps',
    runbook: 'NodesealInconclusiveVerdicts',
  },
  {
    ...GRAPH,
    title: 'Registries: time to an answer',
    description: 'The 95th percentile, by registry.',
    queries: [
      {
        expr: `histogram_quantile(0.95, sum by (registry, le) (rate(nodeseal_registry_request_duration_seconds_bucket{${N}}[$__rate_interval])))`,
        legend: '{{registry}}',
      },
    ],
    unit: 's',
  },
  {
    ...GRAPH,
    title: 'Signatures known without asking',
    description: 'Share of the pulls for which a good signature was in memory, by registry.',
    queries: [
      {
        expr:
          `sum by (registry) (increase(nodeseal_signature_lookups_total{${N}, result="hit"}[$__range]))` +
          ` / (sum by (registry) (increase(nodeseal_signature_lookups_total{${N}}[$__range])) > 0)`,
        legend: '{{registry}}',
      },
    ],
    unit: 'percentunit',
    max: 1,
  },
];

const AGENT: readonly Panel[] = [
  {
    ...GRAPH,
    title: 'Journal: delay',
    description: 'How long the next entry has been waiting to be read.',
    queries: [
      { expr: `max by (source) (nodeseal_journal_lag_seconds{${N}})`, legend: '{{source}}' },
    ],
    unit: 's',
    runbook: 'NodesealJournalBehind',
  },
  {
    ...GRAPH,
    title: 'Journal: entries',
    description: 'Handled per second.',
    queries: [rate('nodeseal_journal_entries_total', 'source')],
    unit: 'ops',
  },
  {
    ...GRAPH,
    title: 'Journal: trouble',
    description:
      'In the last hour: gaps, restarts of the reader, entries not understood or dropped by journald.',
    queries: ['gaps', 'restarts', 'invalid', 'suppressed_entries'].map((what) => ({
      expr: `sum(increase(nodeseal_journal_${what}_total{${N}}[1h]))`,
      legend: what.replace('_', ' '),
    })),
    runbook: 'NodesealJournalBehind',
  },
  {
    ...GRAPH,
    title: 'Memory',
    description: 'Resident memory of the agent.',
    queries: [{ expr: `max(process_resident_memory_bytes{${N}})`, legend: 'agent' }],
    unit: 'bytes',
  },
  {
    ...GRAPH,
    title: 'Processor',
    description: 'Cores that the agent keeps busy.',
    queries: [
      { expr: `sum(rate(process_cpu_seconds_total{${N}}[$__rate_interval]))`, legend: 'agent' },
    ],
  },
  {
    ...GRAPH,
    title: 'Ledger',
    description: 'Size of the node’s record; what is free is used again.',
    queries: [{ expr: `max by (part) (nodeseal_ledger_bytes{${N}})`, legend: '{{part}}' }],
    unit: 'bytes',
  },
  {
    ...GRAPH,
    title: 'Errors',
    description: 'In the last hour, by code; README says what each means.',
    queries: [
      { expr: more('sum by (code)', `nodeseal_errors_total{${N}}`, '1h'), legend: '{{code}}' },
    ],
  },
  {
    ...GRAPH,
    title: 'Files touched by others',
    description:
      'In the last hour: our files on the host that somebody changed, and that were put back.',
    queries: [
      {
        expr: `sum by (place, kind) (increase(nodeseal_host_drift_total{${N}}[1h])) > 0`,
        legend: '{{place}} {{kind}}',
      },
    ],
  },
  {
    ...GRAPH,
    kind: 'table',
    title: 'Versions',
    description: 'Of the agent, and how often policy and trust have changed since it started.',
    queries: [
      { expr: `max by (version) (nodeseal_build_info{${N}})` },
      { expr: `max(nodeseal_policy_generation{${N}})` },
      { expr: `max(nodeseal_truststore_certificates{${N}})` },
    ],
    columns: {
      version: { title: 'Version' },
      'Value #B': { title: 'Generation' },
      'Value #C': { title: 'Certificates' },
    },
  },
  {
    ...GRAPH,
    kind: 'table',
    title: 'How old',
    description:
      'Since policy and trust were loaded, and since the bundle was made, where signatures and evidence are carried in.',
    queries: [
      {
        expr: [
          named('what', 'policy', `time() - max(nodeseal_policy_loaded_timestamp_seconds{${N}})`),
          named(
            'what',
            'trust',
            `time() - max(nodeseal_truststore_loaded_timestamp_seconds{${N}})`,
          ),
          named('what', 'bundle', `time() - max(nodeseal_bundle_created_timestamp_seconds{${N}})`),
        ].join(' or '),
      },
    ],
    columns: { what: { title: 'What' }, Value: { title: 'Since', unit: 's' } },
    runbook: 'NodesealCrlExpiring',
  },
  {
    ...GRAPH,
    title: 'Answers to pulls',
    description: 'Per second, what came of questions of the pull verifier.',
    queries: [rate('nodeseal_agent_requests_total', 'outcome')],
    unit: 'reqps',
  },
  {
    ...GRAPH,
    title: 'Registries left alone',
    description:
      'How often in the last hour re-verification left a registry alone for a while, because it was in trouble.',
    queries: [
      { expr: `sum(increase(nodeseal_registry_pauses_total{${N}}[1h]))`, legend: 'pauses' },
    ],
    runbook: 'NodesealInconclusiveVerdicts',
  },
];

export const NODE: Dashboard = {
  uid: 'nodeseal-node',
  title: 'nodeseal: node',
  description: 'One node: its proof, its images, its pulls and its agent.',
  hasNode: true,
  rows: [
    { title: 'Proof', panels: PROOF },
    { title: 'Images', panels: IMAGES },
    { title: 'Pulls', panels: PULLS },
    { title: 'Agent', panels: AGENT },
  ],
};
