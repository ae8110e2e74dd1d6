// The chart: clean for Helm, nothing refused by installing it, every value documented, and what cannot work refused.
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { temporaryDirectory } from '../support/front-door.ts';
import { describeWithTools, ROOT, runTool } from '../support/kubernetes-tools.ts';
import {
  CHART,
  type ChartValues,
  findManifest,
  helmTemplate,
  HOST_TRUST,
  parseManifests,
  renderChart,
} from '../support/rendered-manifests.ts';
import { agentPodSpec, renderedPod } from '../support/rendered-pod.ts';
import { statement } from '../support/trust-policy.ts';

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const VALUES = read(`${CHART}/values.yaml`);

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
}

/** Everything that is off by default, on. */
const EVERYTHING: ChartValues = {
  ...HOST_TRUST,
  namespace: { create: true },
  openshift: { scc: true },
  networkPolicy: { create: true, from: [{ podSelector: { matchLabels: { app: 'prometheus' } } }] },
  podMonitor: { create: true, labels: { release: 'prometheus' } },
  prometheusRule: { create: true, labels: { release: 'prometheus' } },
  dashboards: { create: true, annotations: { folder: 'Security' } },
  resourceQuota: { create: true },
  imagePullSecrets: [{ name: 'pull' }],
  affinity: { nodeAffinity: {} },
  podLabels: { team: 'security' },
  podAnnotations: { 'example.io/note': 'yes' },
  serviceAccount: { name: 'other', annotations: { 'example.io/role': 'reader' } },
  security: { appArmorProfile: 'RuntimeDefault' },
  extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example:3128' }],
};

describe('the chart’s files', () => {
  it('are of the version of the program', () => {
    const { version } = JSON.parse(read('package.json')) as { readonly version: string };
    const chart = parse(read(`${CHART}/Chart.yaml`)) as Readonly<Record<string, unknown>>;
    expect(chart).toMatchObject({ version, appVersion: version, name: 'nodeseal' });
  });

  it('know every value in the schema, and no other', () => {
    const schema = JSON.parse(read(`${CHART}/values.schema.json`)) as Schema;
    // Helm itself adds `global`.
    const values = { global: {}, ...(parse(VALUES) as object) };
    expect(faultsOf(schema, values, '')).toEqual([]);
  });

  it('explain every value, or the group that it is in', () => {
    const paragraphs = VALUES.split(/\n\n+/);
    expect(paragraphs.filter((one) => !one.includes('# '))).toEqual([]);
  });
});

describeWithTools('the chart', () => {
  it.each([
    ['the hosts’ trust', HOST_TRUST],
    ['everything', EVERYTHING],
    ['the values for k3s', parse(read(`${CHART}/ci/k3s-values.yaml`)) as ChartValues],
  ])('is clean for helm lint with %s', (_, values) => {
    const { code, stdout } = runTool(
      'helm',
      ['lint', CHART, '--strict', '--values', '-'],
      JSON.stringify(values),
    );
    expect([code, stdout.match(/\[(?:WARNING|ERROR)\].*/g)]).toEqual([0, null]);
  });

  it('is clean for helm lint without any values', () => {
    expect(runTool('helm', ['lint', CHART, '--strict']).code).toBe(0);
  });

  it('refuses nothing until it is told to', () => {
    expect(renderedPod(renderChart()).env['NODESEAL_MODE']).toBe('audit');
    const enforcing = renderChart({ ...HOST_TRUST, mode: 'enforce' });
    expect(renderedPod(enforcing).env['NODESEAL_MODE']).toBe('enforce');
  });

  it('says after installing how to go on, and how to go', () => {
    const audit = notes(HOST_TRUST);
    expect(audit).toContain('--set mode=enforce');
    expect(audit).toContain('pod-security.kubernetes.io/enforce=privileged');
    expect(audit).toContain('helm uninstall nodeseal --namespace nodeseal');
    const enforce = notes({ ...HOST_TRUST, mode: 'enforce', namespace: { create: true } });
    expect(enforce).toContain('nodeseal break-glass');
    expect(enforce).not.toContain('kubectl label namespace');
  });

  it('names each object but for the cluster in the release’s namespace, and labels all', () => {
    const clusterWide = new Set([
      ...['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'SecurityContextConstraints'],
      ...['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'],
    ]);
    for (const { kind, metadata } of renderChart(EVERYTHING)) {
      const namespace = clusterWide.has(kind) ? undefined : 'nodeseal';
      expect([kind, metadata.namespace]).toEqual([kind, namespace]);
      expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/instance': 'nodeseal' });
    }
  });

  it('pins the image by its digest', () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const image = { repository: 'registry.example/nodeseal', tag: '9.9', digest };
    const { image: found } = renderedPod(renderChart({ ...HOST_TRUST, image }));
    expect(found).toBe(`registry.example/nodeseal:9.9@${digest}`);
  });

  it('goes to every node first, and is not pushed off it', () => {
    const spec = agentPodSpec(renderChart());
    expect(spec).toMatchObject({
      priorityClassName: 'system-node-critical',
      tolerations: [{ operator: 'Exists' }],
      nodeSelector: { 'kubernetes.io/os': 'linux' },
    });
    expect(findManifest(renderChart(), 'DaemonSet')).toMatchObject({
      spec: {
        updateStrategy: {
          type: 'RollingUpdate',
          rollingUpdate: { maxUnavailable: '10%', maxSurge: 0 },
        },
      },
    });
  });

  it('offers what clusters ask for: a namespace, quota, monitor, network policy and constraints', () => {
    const all = renderChart(EVERYTHING);
    expect(findManifest(all, 'Namespace').metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'privileged',
    });
    expect(findManifest(all, 'NetworkPolicy')).toMatchObject({
      spec: { ingress: [{ ports: [{ port: 9464 }], from: [{}] }] },
    });
    expect(findManifest(all, 'PodMonitor')).toMatchObject({
      metadata: { labels: { release: 'prometheus' } },
      spec: {
        podMetricsEndpoints: [
          {
            ...{ port: 'metrics', path: '/metrics' },
            // What alerts and dashboards go by.
            relabelings: [{ targetLabel: 'node' }, { targetLabel: 'job', replacement: 'nodeseal' }],
          },
        ],
      },
    });
    expect(findManifest(all, 'PrometheusRule')).toMatchObject({
      metadata: { labels: { release: 'prometheus' } },
      spec: parse(read('manifests/prometheus/alerts.yaml')) as object,
    });
    for (const name of ['fleet', 'node']) {
      const json = read(`manifests/grafana/nodeseal-${name}.json`);
      expect(findManifest(all, 'ConfigMap', `nodeseal-dashboard-${name}`)).toMatchObject({
        metadata: { labels: { grafana_dashboard: '1' }, annotations: { folder: 'Security' } },
        data: { [`nodeseal-${name}.json`]: json.trimEnd() },
      });
    }
    expect(findManifest(all, 'ResourceQuota')).toMatchObject({
      spec: { scopeSelector: { matchExpressions: [{ values: ['system-node-critical'] }] } },
    });
    expect(findManifest(all, 'SecurityContextConstraints')).toMatchObject({
      users: ['system:serviceaccount:nodeseal:other'],
      allowedCapabilities: renderedPod(all).capabilities,
      allowPrivilegedContainer: false,
      allowHostPID: false,
    });
    expect(renderedPod(all).env).toMatchObject({ HTTPS_PROXY: 'http://proxy.example:3128' });
  });

  it.each([
    ['no trust policy', {}, 'expected exactly one of trustPolicy'],
    [
      'two trust policies',
      { ...HOST_TRUST, existingTrustPolicy: { configMap: 'policy' } },
      'expected exactly one of trustPolicy',
    ],
    [
      'a trust store that is nowhere',
      { trustPolicy: { version: '1.0', trustPolicies: [statement()] } },
      'statement "acme" names the trust store "ca:acme"',
    ],
    [
      'trust stores of the hosts and others',
      { ...HOST_TRUST, existingTrustStores: [{ store: 'ca/a', secret: 'a', key: 'ca.crt' }] },
      'expected either useHostTrustStores or',
    ],
    [
      'a trust store in a Secret and a ConfigMap',
      {
        useHostTrustPolicy: true,
        existingTrustStores: [{ store: 'ca/a', secret: 'a', configMap: 'a', key: 'ca.crt' }],
      },
      'expected either secret or configMap',
    ],
    [
      'a journal that anybody may send',
      { ...HOST_TRUST, journalUpload: { listen: '0.0.0.0:19532' } },
      'without journalUpload.tokenSecret',
    ],
    ['the whole host', { ...HOST_TRUST, agent: { binDir: '/bin' } }, 'not the root of the host'],
  ])('refuses %s, and says why', (_, values, message) => {
    const { code, stderr } = helmTemplate(values);
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
  });

  it.each([
    [{ mode: 'block' }],
    [{ Mode: 'audit' }],
    [{ agent: { reverifyIntervall: '1h' } }],
    [{ agent: { reverifyInterval: '3d' } }],
    [{ agent: { binDir: '/opt/../etc' } }],
    [{ agent: { listen: 'localhost:9464' } }],
    [{ trustStores: { ca: { '../up': '-----BEGIN CERTIFICATE-----' } } }],
    [{ trustStores: { ca: { acme: 'a key' } } }],
    [{ existingTrustStores: [{ store: 'ca/..', secret: 'a', key: 'ca.crt' }] }],
    [{ extraHostPaths: [{ path: '/' }] }],
    [{ image: { digest: 'sha256:abc' } }],
    [{ uninstall: { wait: '4' } }],
    [{ maxUnavailable: '0%' }],
  ])('refuses the values %j by its schema', (values) => {
    const { code, stderr } = helmTemplate({ ...HOST_TRUST, ...values });
    expect(code).not.toBe(0);
    expect(stderr).toContain('specifications of the schema');
  });
});

/** What Helm tells whoever has installed it. `helm template` leaves it out, so a copy has it as an object. */
function notes(values: ChartValues): string {
  const copy = join(temporaryDirectory(), 'nodeseal');
  cpSync(join(ROOT, CHART), copy, { recursive: true });
  renameSync(join(copy, 'templates/NOTES.txt'), join(copy, 'NOTES'));
  const object = 'kind: Notes\nmetadata: {}\ntext: {{ tpl (.Files.Get "NOTES") . | toJson }}\n';
  writeFileSync(join(copy, 'templates/notes.yaml'), object);
  const words = ['template', 'nodeseal', copy, '--namespace', 'nodeseal', '--values', '-'];
  const { code, stdout, stderr } = runTool('helm', words, JSON.stringify(values));
  if (code !== 0) throw new Error(stderr);
  return String(findManifest(parseManifests(stdout), 'Notes')['text']);
}

/** Where values and schema differ: a closed object of the schema has exactly the members of the values. */
function faultsOf(schema: Schema, value: unknown, at: string): readonly string[] {
  const { properties, additionalProperties } = schema;
  if (properties === undefined || additionalProperties !== false) return [];
  const members = value as Readonly<Record<string, unknown>>;
  const known = Object.keys(properties);
  return [
    ...known.filter((key) => !(key in members)).map((key) => `values.yaml lacks ${at}${key}`),
    ...Object.keys(members)
      .filter((key) => !known.includes(key))
      .map((key) => `schema lacks ${at}${key}`),
    ...known.flatMap((key) => faultsOf(properties[key] ?? {}, members[key], `${at}${key}.`)),
  ];
}
