// The chart on a real control plane: every object is taken, its rights are enough and no more, and
// uninstalling reaches every node.
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import {
  type ApiClientOptions,
  type Patch,
  sendPatch,
  sendPost,
  sendRead,
} from '../../agent/node/kubernetes/api-client.ts';
import { listPodControllers } from '../../agent/node/kubernetes/list-pods.ts';
import { listWaiting } from '../../agent/node/kubernetes/list-waiting.ts';
import {
  clearEnforcement,
  reportEnforcement,
} from '../../agent/node/kubernetes/report-enforcement.ts';
import { FakeKubelets } from '../support/fake-kubelets.ts';
import { ROOT } from '../support/kubernetes-tools.ts';
import { CHART, type ChartValues, HOST_TRUST } from '../support/rendered-manifests.ts';
import { CLUSTER_TIMEOUT_MS, TestCluster } from '../support/test-cluster.ts';
import { describeOnNode } from '../support/test-node.ts';

const NAMESPACE = 'security';
/** That of the overlays. */
const OVERLAYS = 'nodeseal';
const NODES = ['node-1', 'node-2', 'node-3'];
const TOOL_TIMEOUT = '100s';
const STRICTLY = ['--server-side', '--dry-run=server', '--validate=strict'];
const CLUSTER_WIDE = 'clusterrole,clusterrolebinding,validatingadmissionpolicy,priorityclass';
const MODE = [
  '--output',
  'jsonpath={.spec.template.spec.containers[0].env[?(@.name=="NODESEAL_MODE")].value}',
];
/** Of the namespace, which this test made. */
const UNMANAGED = /^Warning: resource namespaces.*\n/gm;
const ENFORCING = { state: 'enforcing', causes: [], provedAt: new Date(0) } as const;
const { signal } = new AbortController();

const PEM = '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n';
/** All that the control plane knows without what others bring: no PodMonitor, no constraints. */
const EVERYTHING: ChartValues = {
  existingTrustPolicy: { configMap: 'policy' },
  trustStores: { ca: { acme: PEM } },
  existingTrustStores: [{ store: 'tsa/time', secret: 'time', key: 'ca.crt' }],
  registryCa: { pem: PEM },
  registryCredentials: { pullSecretNamespaces: ['*'], dockerConfigSecret: 'docker' },
  journalUpload: { listen: '127.0.0.1:19532', tokenSecret: 'token', tlsSecret: 'tls' },
  security: { appArmorProfile: 'RuntimeDefault' },
  networkPolicy: { create: true },
  resourceQuota: { create: true },
  imagePullSecrets: [{ name: 'pull' }],
  webhook: {
    ...{ enabled: true, mutate: true, mode: 'enforce' },
    pluginVolume: { emptyDir: {} },
    bundle: { volume: { persistentVolumeClaim: { claimName: 'bundle' } }, path: 'new' },
    initContainers: [
      {
        ...{ name: 'plugins', image: 'registry.example/plugins:1.0' },
        volumeMounts: [{ name: 'plugins', mountPath: '/plugins' }],
      },
    ],
    extraVolumes: [{ name: 'own', configMap: { name: 'own' } }],
    extraVolumeMounts: [{ name: 'own', mountPath: '/etc/own', readOnly: true }],
    extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy.example:3128' }],
  },
};

// What is waited for takes seconds, but of several processes on a machine that may be loaded.
vi.setConfig({ testTimeout: 300_000 });

describeOnNode('the chart on a control plane', () => {
  let cluster: TestCluster;

  const helm = (words: readonly string[], values: ChartValues = HOST_TRUST) =>
    cluster.run('helm', ['--namespace', NAMESPACE, ...words], JSON.stringify(values));
  /** Returns what Helm warns of. */
  const install = async (values: ChartValues = HOST_TRUST): Promise<string> => {
    const words = ['upgrade', '--install', 'nodeseal', CHART, '--values', '-'];
    const { code, stderr } = await helm(words, values);
    expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
    return stderr;
  };
  const kubectl = (...words: readonly string[]) => cluster.kubectl('-n', NAMESPACE, ...words);
  const rolledOut = () =>
    kubectl('rollout', 'status', 'daemonset/nodeseal', '--timeout', TOOL_TIMEOUT);
  const letIn = (level: string) =>
    kubectl(
      ...['label', '--overwrite', 'namespace', NAMESPACE],
      `pod-security.kubernetes.io/enforce=${level}`,
    );

  beforeAll(async () => {
    cluster = await TestCluster.start();
    // Objects of a namespace that does not exist yet are not looked at.
    for (const name of [NAMESPACE, OVERLAYS]) await cluster.kubectl('create', 'namespace', name);
    return () => cluster.stop();
  }, CLUSTER_TIMEOUT_MS);

  it.each([
    ['the least values', HOST_TRUST],
    ['everything', EVERYTHING],
  ])('is taken with %s, each member known to the API server', async (_, values) => {
    const { stdout } = await helm(['template', 'nodeseal', CHART, '--values', '-'], values);
    const apply = ['apply', '-n', NAMESPACE, ...STRICTLY, '-f', '-'];
    const { code, stderr } = await cluster.run('kubectl', apply, stdout);
    expect([code, stderr]).toEqual([0, '']);
  });

  it.each(['audit', 'enforce', 'uninstall'])('is taken as the overlay %s', async (overlay) => {
    const folder = join(ROOT, 'manifests/kustomize/overlays', overlay);
    const { code, stdout, stderr } = await cluster.run('kubectl', [
      ...['apply', ...STRICTLY, '-k', folder],
    ]);
    expect([code, stderr.replaceAll(UNMANAGED, '')]).toEqual([0, '']);
    expect(stdout).toContain('daemonset.apps/nodeseal');
  });

  it('goes from the overlay audit to the overlay enforce, and is deleted', async () => {
    const overlays = 'manifests/kustomize/overlays';
    const apply = ['apply', '--server-side', '-k'];
    for (const mode of ['audit', 'enforce']) {
      await cluster.kubectl(...apply, join(ROOT, overlays, mode));
      const shown = await cluster.kubectl('-n', OVERLAYS, 'get', 'daemonset', 'nodeseal', ...MODE);
      expect(shown).toBe(mode);
    }
    await cluster.kubectl('delete', '-k', join(ROOT, overlays, 'enforce'));
    const found = await cluster.kubectl('get', `${CLUSTER_WIDE},namespace`, '--output', 'name');
    expect(found.split('\n').filter((name) => name.includes('nodeseal'))).toEqual([]);
  });

  it('is warned of by Helm where the namespace does not allow its pods', async () => {
    await letIn('baseline');
    expect(await install()).toContain('would violate PodSecurity');
    await letIn('privileged');
    await helm(['uninstall', 'nodeseal', '--no-hooks']);
    expect(await install()).toBe('');
  });

  it('gives the agent the rights to write to its own Node what it tells, and no others', async () => {
    await install();
    const kubelets = await FakeKubelets.start(cluster, NAMESPACE, NODES);
    await rolledOut();
    await kubelets.stop();
    const pod = (await kubelets.pods()).find(({ spec }) => spec.nodeName === 'node-1');
    const api = await cluster.access(NAMESPACE, 'nodeseal', pod?.metadata.name);

    await reportEnforcement(api, 'node-1', ENFORCING, new Date(), signal);
    expect((await listPodControllers(api, 'node-1', signal)).size).toBe(1);
    expect(await listWaiting(api, 'node-1', 'all', signal)).toEqual([]);
    for (const [path, value, fault] of REFUSED)
      expect([value, await refusal(api, path, value)]).toEqual([value, fault]);
    for (const path of HIDDEN) {
      const { status } = await sendRead(api, { path, accept: 'application/json' }, signal);
      expect([path, status]).toEqual([path, 403]);
    }
    await clearEnforcement(api, 'node-1', signal);
    await expectOwnEventsOnly(api);

    // A token that says nothing of a node, as one that was made by hand, is of no use.
    const unbound = await cluster.access(NAMESPACE, 'nodeseal');
    const [path, value] = ['/api/v1/nodes/node-1', { metadata: { labels: LABEL } }];
    expect(await refusal(unbound, path, value)).toContain('its own Node only');
  });

  it('fails to uninstall while a node is silent, names it, and goes on once it answers', async () => {
    await install({ ...HOST_TRUST, uninstall: { wait: '8s' } });
    await using kubelets = await FakeKubelets.start(cluster, NAMESPACE, NODES);
    await rolledOut();
    kubelets.silent.add('node-2');
    const failed = await helm(['uninstall', 'nodeseal', '--timeout', TOOL_TIMEOUT]);
    expect(failed.code).not.toBe(0);
    const said = kubelets.said.join('');
    expect(said).toContain('not clean  node-2');
    expect(said).not.toMatch(/not clean {2}node-[13]/);
    // Nothing was deleted: it would have left the verifier on that node.
    await kubectl('get', 'daemonset', 'nodeseal');

    kubelets.silent.clear();
    kubelets.said.length = 0;
    const { code, stderr } = await helm(['uninstall', 'nodeseal', '--timeout', TOOL_TIMEOUT]);
    expect([code, stderr]).toEqual([0, '']);
    expect(kubelets.said.join('')).toContain('3 of 3 nodes are clean');
    expect(await left()).toEqual([]);
  });

  /** Of `node-1`. */
  async function expectOwnEventsOnly(api: ApiClientOptions): Promise<void> {
    const [own, kubelets] = [eventOf('nodeseal', 'node-1'), eventOf('kubelet', 'node-1')];
    expect(await cluster.apply([kubelets.value])).toMatchObject({ code: 0 });
    expect((await sendPost(api, own, signal)).status).toBe(201);
    const message = { message: 'changed' };
    expect(await refusal(api, `${own.path}/${own.name}`, message)).toBe('taken');
    for (const strange of [eventOf('kubelet', 'node-1'), eventOf('nodeseal', 'node-2')]) {
      const value = { ...strange.value, metadata: { name: 'strange', namespace: 'default' } };
      const { status, body } = await sendPost(api, { path: strange.path, value }, signal);
      expect([status, Buffer.from(body).toString()]).toEqual([422, OWN_NAME]);
    }
    const path = `${kubelets.path}/${kubelets.name}`;
    expect(await refusal(api, path, message)).toEqual(OWN_NAME);
    expect(await refusal(api, path, { source: own.value.source })).toEqual(OWN_NAME);
  }

  /** What of the release is there still. */
  async function left(): Promise<readonly string[]> {
    const kinds = [
      ...['daemonset', 'job', 'serviceaccount', 'role', 'rolebinding', 'configmap'],
      CLUSTER_WIDE,
    ];
    const names = await kubectl('get', kinds.join(), '--output', 'name');
    return names.split('\n').filter((name) => name.includes('nodeseal'));
  }
});

const LABEL = { 'nodeseal.io/enforcement': 'enforcing' };
const OWN = '/api/v1/nodes/node-1';
const PLAN = expect.stringContaining('nothing of what a Node is to be') as unknown;
const LABELS = expect.stringContaining('and no other') as unknown;
const KUBELET = expect.stringContaining('nothing of what kubelet says') as unknown;

/** What a stolen token must not do, though its role lets it patch Nodes. */
const REFUSED: readonly (readonly [string, object, unknown])[] = [
  [
    '/api/v1/nodes/node-2',
    { metadata: { labels: LABEL } },
    expect.stringContaining('its own Node only') as unknown,
  ],
  [OWN, { metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } } }, LABELS],
  [OWN, { metadata: { labels: { 'kubernetes.io/os': 'plan9' } } }, LABELS],
  [OWN, { metadata: { labels: { 'kubernetes.io/os': null } } }, LABELS],
  [OWN, { metadata: { annotations: { 'example.io/a': 'b' } } }, PLAN],
  [OWN, { metadata: { finalizers: ['example.io/stay'] } }, PLAN],
  [OWN, { spec: { unschedulable: true } }, PLAN],
  [OWN, { spec: { taints: [{ key: 'a', effect: 'NoExecute' }] } }, PLAN],
  [`${OWN}/status`, { status: { capacity: { cpu: '1000' } } }, KUBELET],
  [`${OWN}/status`, { status: { nodeInfo: { kernelVersion: 'other' } } }, KUBELET],
  [`${OWN}/status`, { status: { conditions: [{ type: 'Ready', status: 'False' }] } }, LABELS],
];

const OWN_NAME = expect.stringContaining('in its own name and from its own node only') as unknown;

function eventOf(component: string, host: string) {
  const name = `web.${component}`;
  const value = {
    ...{ apiVersion: 'v1', kind: 'Event', metadata: { name, namespace: 'default' } },
    involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'web', namespace: 'default' },
    ...{ type: 'Warning', reason: 'ImageRefused', message: 'no signature' },
    source: { component, host },
  };
  return { path: '/api/v1/namespaces/default/events', name, value };
}

/** What no token of the agent reads. */
const HIDDEN = [
  ...['/api/v1/secrets', '/api/v1/namespaces/kube-system/secrets', '/api/v1/configmaps'],
  ...['/api/v1/nodes', '/api/v1/nodes/node-2', '/api/v1/events'],
];

/** What the API server says against a patch. */
async function refusal(api: ApiClientOptions, path: string, value: object): Promise<string> {
  const type = path.endsWith('/status')
    ? ('application/strategic-merge-patch+json' as const)
    : ('application/merge-patch+json' as const);
  const patch: Patch = { path, type, value };
  const { status, body } = await sendPatch(api, patch, signal);
  return status === 200 ? 'taken' : Buffer.from(body).toString();
}
