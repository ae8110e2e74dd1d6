// Every setting can be set by the chart, and what the chart sets is what the agent takes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig, SETTINGS } from '../../agent/config.ts';
import { WEBHOOK_SETTINGS } from '../../agent/webhook-settings.ts';
import { describeWithTools, ROOT } from '../support/kubernetes-tools.ts';
import {
  CHART,
  type ChartValues,
  findManifest,
  HOST_TRUST,
  renderChart,
} from '../support/rendered-manifests.ts';
import { agentPodSpec, podSpecOf } from '../support/rendered-pod.ts';

type Key = keyof typeof SETTINGS;

interface Property {
  readonly type: string;
  readonly pattern?: string;
  readonly enum?: readonly string[];
}

const values = parse(readFileSync(join(ROOT, CHART, 'values.yaml'), 'utf8')) as {
  readonly agent: Readonly<Record<string, unknown>>;
};
const schema = JSON.parse(readFileSync(join(ROOT, CHART, 'values.schema.json'), 'utf8')) as {
  readonly properties: {
    readonly agent: { readonly properties: Readonly<Record<string, Property>> };
  };
};

/** Those that are not under `agent`: the chart knows them, or they go with what is mounted for them. */
const ELSEWHERE: readonly Key[] = [
  'hostRoot',
  'mode',
  'nodeName',
  'admissionConfiguration',
  'policySource',
  'truststoreSource',
  'registryCa',
  'dockerConfig',
  'pullSecrets',
  'serviceAccountTokens',
  'journalUploadListen',
  'journalUploadTokenFile',
  'journalUploadCertificate',
  'journalUploadKey',
  ...(Object.keys(WEBHOOK_SETTINGS) as (keyof typeof WEBHOOK_SETTINGS)[]),
];

/** One that sets everything that can be set to something else than the default. */
const ALL: ChartValues = {
  mode: 'enforce',
  existingTrustPolicy: { configMap: 'policy' },
  existingTrustStores: [{ store: 'ca/acme', secret: 'acme', key: 'ca.crt' }],
  registryCa: { pem: '-----BEGIN CERTIFICATE-----\n' },
  registryCredentials: {
    pullSecretNamespaces: ['team'],
    tokenNamespaces: ['team'],
    dockerConfigSecret: 'docker',
  },
  journalUpload: { listen: '[::1]:19532', tokenSecret: 'token', tlsSecret: 'tls' },
  agent: {
    logLevel: 'debug',
    listen: '[::]:9500',
    statusDetails: 'show',
    containerdSocket: '/run/k3s/containerd/containerd.sock',
    containerdUnit: 'k3s.service',
    containerdLog: '/var/lib/rancher/k3s/agent/containerd/containerd.log',
    binDir: '/var/lib/verifiers/bin',
    stateDir: '/var/lib/other',
    agentSocket: '/run/other/agent.sock',
    pluginDir: '/opt/plugins',
    credentialProviderConfig: '/etc/providers/config.yaml',
    credentialProviderBinDir: '/home/providers/bin',
    kubeletDir: '/var/lib/other-kubelet',
    registryPlainHttp: ['a.example:5000', 'b.example'],
    registryHosts: '/etc/containerd/certs.d:/etc/docker/certs.d',
    bundleDir: '/srv/bundle',
    reverifyInterval: '12h',
    reverifySpread: '5m',
    reverifyRate: 7,
    retention: '48h',
    ledgerMaxSize: '1Gi',
    canaryInterval: '30m',
    journalctl: '/usr/local/bin/journalctl',
    journalDirectory: '/host/var/log/other',
    verifier: '/opt/other-verifier',
  },
  webhook: { enabled: true, mutate: true, timeoutSeconds: 20, port: 9443 },
};

/** The two ways to a certificate of the webhook, each with settings of its own. */
const CERTIFICATES = [
  { source: 'self' },
  { source: 'secret', secret: 'tls', caBundle: '-----BEGIN CERTIFICATE-----\n' },
] as const;

const environmentOf = (chart: ChartValues) => {
  const [{ env }] = agentPodSpec(renderChart(chart)).containers;
  return Object.fromEntries(env.map(({ name, value = '' }) => [name, value]));
};
const webhookEnvironments = (chart: ChartValues) =>
  CERTIFICATES.map((certificate) => {
    const webhook = { ...(chart['webhook'] as object), enabled: true, certificate };
    const name = 'nodeseal-webhook';
    const deployment = findManifest(renderChart({ ...chart, webhook }), 'Deployment', name);
    const [{ env }] = podSpecOf(deployment).containers;
    return Object.fromEntries(env.map(({ name: variable, value = '' }) => [variable, value]));
  });
/** What the agent is given, and of the webhook what it alone is. */
const allOf = (chart: ChartValues) => {
  const own = webhookEnvironments(chart).flatMap((environment) =>
    Object.entries(environment).filter(([name]) => name.startsWith('NODESEAL_WEBHOOK_')),
  );
  return { ...environmentOf(chart), ...Object.fromEntries(own) };
};
const configOf = (chart: ChartValues, environmentFor = environmentOf) => {
  // What kubelet fills in.
  const environment = { ...environmentFor(chart), NODESEAL_NODE_NAME: 'node-1' };
  return parseConfig(environment);
};

describeWithTools('the settings in the chart', () => {
  it('are all there, each once', () => {
    const keys = [...Object.keys(values.agent), ...ELSEWHERE].sort();
    expect(keys).toEqual(Object.keys(SETTINGS).sort());
  });

  it('have the agent’s own defaults', () => {
    for (const [key, value] of Object.entries(values.agent)) {
      const setting = SETTINGS[key as Key];
      const found: unknown = value === '' ? undefined : setting.parse(textOf(value));
      expect([key, Array.isArray(value) ? value : found]).toEqual([key, setting.default]);
    }
  });

  it('come to those defaults on the host, in audit, when nothing is set', () => {
    const defaults = parseConfig({});
    expect(configOf(HOST_TRUST)).toEqual({
      ...defaults,
      ...{ hostRoot: '/host', mode: 'audit', nodeName: 'node-1' },
      stateDir: '/host/var/lib/nodeseal',
    });
  });

  it('can all be set to something else', () => {
    const environment = allOf(ALL);
    const unset = Object.values(SETTINGS).filter(({ variable }) => !(variable in environment));
    expect(unset).toEqual([]);
    const config: Readonly<Record<string, unknown>> = { ...configOf(ALL, allOf) };
    const defaults: Readonly<Record<string, unknown>> = { ...parseConfig({}) };
    // Enforcing is the agent's default, and the chart's is not.
    const same = Object.keys(config)
      .filter((key) => key !== 'mode')
      .filter((key) => config[key] === defaults[key]);
    expect(same).toEqual([]);
    expect(config).toMatchObject({
      stateDir: '/host/var/lib/other',
      registryPlainHttp: ['a.example:5000', 'b.example'],
      listen: { host: '::', port: 9500 },
      reverifyRate: 7,
      webhookListen: { host: '0.0.0.0', port: 9443 },
      webhookTimeout: 20_000,
      webhookSecret: { namespace: 'nodeseal', name: 'nodeseal-webhook' },
    });
  });

  it('come to the same trust in the webhook as on the nodes', () => {
    const agent = configOf(ALL);
    const shared = [
      'policySource',
      'truststoreSource',
      'registryCa',
      'registryPlainHttp',
      'logLevel',
    ];
    for (const environment of webhookEnvironments(ALL)) {
      const config: Readonly<Record<string, unknown>> = { ...parseConfig(environment) };
      for (const key of shared) expect([key, config[key]]).toEqual([key, agent[key as Key]]);
      expect(config['mode']).toBe('audit');
    }
  });

  it('are named nowhere but there', () => {
    const known = new Set(Object.values(SETTINGS).map(({ variable }) => variable));
    const others = Object.keys(allOf(ALL)).filter((name) => !known.has(name));
    expect(others).toEqual([]);
  });

  it('may be nothing by the schema that the agent would refuse', () => {
    for (const [key, property] of Object.entries(schema.properties.agent.properties)) {
      const { pattern, enum: members } = property;
      const { parse: read } = SETTINGS[key as Key];
      for (const member of members ?? []) expect(read(member)).toBe(member);
      // Addresses are for the agent to tell: no pattern counts to 255.
      if (pattern === undefined || key === 'listen') continue;
      const accepted = fc.stringMatching(new RegExp(pattern)).filter((text) => text !== '');
      fc.assert(fc.property(accepted, (text) => read(text) !== undefined));
    }
  });
});

function textOf(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '';
}
