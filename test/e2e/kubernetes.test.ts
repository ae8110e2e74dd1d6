// What the agent tells a real API server with the chart's own rights, when the way there and the server are not always well.
import { beforeAll, expect, it, vi } from 'vitest';
import { openLedger } from '../../agent/audit/ledger.ts';
import { kubernetesOf, KubernetesReports } from '../../agent/commands/run/kubernetes.ts';
import { causeOf } from '../../agent/enforcement/causes.ts';
import type { Enforcement } from '../../agent/enforcement/state.ts';
import { FakeClock, settle } from '../audit/fake-clock.ts';
import { pullOf } from '../audit/history-records.ts';
import { ApiProxy, type Fault } from '../support/api-proxy.ts';
import { createCa } from '../support/ca.ts';
import { FakeKubelets } from '../support/fake-kubelets.ts';
import { CHART, HOST_TRUST } from '../support/rendered-manifests.ts';
import {
  CLUSTER_TIMEOUT_MS,
  type ClusterEvent,
  TestCluster,
  until,
} from '../support/test-cluster.ts';
import { AGENT_BINDS, SOURCE, startNodeAgent } from '../support/node-agent.ts';
import { documentOf, statement } from '../support/trust-policy.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../support/test-node.ts';

const NAMESPACE = 'security';
const NODE = 'node-1';
const SHOP = 'shop';
const REGISTRY = 'registry.example';
/** More than a page of pods; the last of them each wait for an image of their own. */
const MANY = 57;
const OWN = ['expired', 'throttled', 'cut'];
const PODS = Array.from({ length: MANY + OWN.length }, (_, index) => ({
  name: `p${String(index).padStart(2, '0')}`,
  image: `${REGISTRY}/${OWN[index - MANY] ?? 'many'}:1`,
}));
/** At once, by the audit's own pace. */
const BURST = 20;
/** Before pods are looked for. */
const LOOK_MS = 3000;
const ENFORCING: Enforcement = { state: 'enforcing', causes: [], provedAt: null };

// What is waited for takes seconds, but of several processes on a machine that may be loaded.
vi.setConfig({ testTimeout: 300_000 });

describeOnNode('what Kubernetes is told', () => {
  let cluster: TestCluster;
  let serviceAccountDir: string;

  beforeAll(async () => {
    await using started = new AsyncDisposableStack();
    cluster = started.use(await TestCluster.start());
    for (const name of [NAMESPACE, SHOP]) await cluster.kubectl('create', 'namespace', name);
    const words = ['install', 'nodeseal', CHART, '-n', NAMESPACE, '--values', '-'];
    await cluster.output('helm', words, JSON.stringify(HOST_TRUST));
    const kubelets = await FakeKubelets.start(cluster, NAMESPACE, [NODE]);
    const pod = await until('the pod of the node', async () =>
      (await kubelets.pods()).find(({ spec }) => spec.nodeName === NODE),
    );
    await kubelets.stop();
    ({ serviceAccountDir } = await cluster.access(NAMESPACE, 'nodeseal', pod.metadata.name));
    await until('the account of the pods', async () => {
      const { code } = await cluster.run('kubectl', ['get', 'sa', 'default', '-n', SHOP]);
      return code === 0 ? true : undefined;
    });
    expect(await cluster.apply(PODS.map(podOf))).toMatchObject({ code: 0 });
    const status = ['--server-side', '--subresource=status'];
    expect(await cluster.apply(PODS.map(statusOf), ...status)).toMatchObject({ code: 0 });
    const all = started.move();
    return () => all.disposeAsync();
  }, CLUSTER_TIMEOUT_MS);

  it('is on the pod of a list that expired while it was read', async () => {
    await using told = await tell();
    let isExpired = false;
    told.proxy.fault = async ({ method, path }) => {
      if (method !== 'GET') return undefined;
      const url = new URL(path, 'http://api');
      // As servers do that answer from etcd: in pages.
      url.searchParams.delete('resourceVersion');
      const next = url.searchParams.get('continue');
      if (next !== null && !isExpired) {
        isExpired = true;
        await cluster.compact();
        url.searchParams.set('continue', agedBeyondMemory(next));
      }
      return { kind: 'ask', path: url.pathname + url.search };
    };
    await told.refuse('expired');
    await told.untilEvents('expired', 1);
    const lists = told.proxy.seen.filter(({ method }) => method === 'GET');
    expect(lists.map(({ status }) => status)).toEqual([200, 410, 200, 200]);
    expect(told.log).toEqual([]);
  });

  it('comes later to a server that throttles, and the log tells so once', async () => {
    await using told = await tell();
    let left = 3;
    told.proxy.fault = ({ path }) =>
      isEvent(path) && left-- > 0
        ? { kind: 'answer', status: 429, headers: { 'retry-after': '20' } }
        : undefined;
    await told.refuse('throttled');
    await told.untilEvents('throttled', 1);
    const asked = told.proxy.seen.filter(({ path }) => isEvent(path));
    expect(asked.map(({ status }) => status)).toEqual([429, 429, 429, 404, 201]);
    expect(told.log).toEqual([
      'Events do not reach Kubernetes: Event: expected 200 or 201, found 429',
      'Events reach Kubernetes again',
    ]);
    expect(told.errors).toEqual(['kubernetes_failed', 'kubernetes_failed', 'kubernetes_failed']);
  });

  it('is one Event although connections break before and after the server did it', async () => {
    await using told = await tell();
    const faults: (Fault | undefined)[] = [
      { kind: 'cut' },
      undefined,
      { kind: 'cut_answer' },
      undefined,
      { kind: 'cut_answer' },
    ];
    told.proxy.fault = ({ path }) => (isEvent(path) ? faults.shift() : undefined);
    await told.refuse('cut');
    await told.until('an end of the faults', () => (faults.length === 0 ? true : undefined));
    await told.until('the Events to reach it again', () => told.log.at(-1)?.includes('again'));
    expect(await told.untilEvents('cut', 1)).toHaveLength(1);
  });

  it('is at a bounded rate and joined, however many pods it is on', async () => {
    await using told = await tell();
    await told.refuse('many');
    await told.clock.advance(LOOK_MS);
    // The clock stands still.
    await until('what may be sent at once', async () =>
      (await eventsOn('many')).length >= BURST ? true : undefined,
    );
    await settle();
    const made = () => told.proxy.seen.filter(({ method }) => method === 'POST');
    expect(made()).toHaveLength(BURST);
    expect(await told.untilEvents('many', MANY)).toHaveLength(MANY);
    expect(made()).toHaveLength(MANY);

    await told.refuse('many');
    const counts = async () => (await eventsOn('many')).map(({ count }) => count);
    await told.until('each to be counted on', async () =>
      (await counts()).every((count) => count === 2) ? true : undefined,
    );
    expect(made()).toHaveLength(MANY);
    expect(told.log).toEqual([]);
  });

  it('is the state of the node, with an Event on its change', async () => {
    await using told = await tell();
    await told.until('the condition', async () => ((await shown()) === 'True' ? true : undefined));
    told.turn({ ...ENFORCING, state: 'bypassed', causes: [causeOf('verifier_missing')] });
    await told.until('the change', async () => ((await shown()) === 'False' ? true : undefined));
    const { metadata } = (await cluster.get('node', NODE)) as NodeObject;
    expect(metadata.labels).toMatchObject({ 'nodeseal.io/enforcement': 'bypassed' });
    const [event] = await until('its Event', async () => {
      const found = await cluster.events('EnforcementBypassed');
      return found.length > 0 ? found : undefined;
    });
    expect(event).toMatchObject({
      type: 'Warning',
      involvedObject: { kind: 'Node', name: NODE, uid: NODE },
    });
    expect(await cluster.kubectl('describe', 'node', NODE)).toContain('EnforcementBypassed');
  });

  it('waits for a server that is away, of which the log tells once', async () => {
    await using told = await tell({ isAway: true });
    told.turn({ ...ENFORCING, state: 'unknown', causes: [causeOf('canary_stale')] });
    await told.until('some tries', () => (told.errors.length >= 6 ? true : undefined));
    const before = [...told.log];
    expect(before.sort()).toEqual([
      expect.stringMatching(/^Events do not reach Kubernetes: API server at 127\.0\.0\.1 port /),
      expect.stringMatching(/^the node object is out of date: API server at 127\.0\.0\.1 port /),
    ]);
    told.proxy.fault = () => undefined;
    await told.until('the condition', async () =>
      (await shown()) === 'Unknown' ? true : undefined,
    );
    await told.until('both to be told', () => (told.log.length >= 4 ? true : undefined));
    expect(told.log.slice(2).sort()).toEqual([
      'Events reach Kubernetes again',
      'the node object shows the state',
    ]);
  });

  interface NodeObject {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly status: {
      readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    };
  }

  /** The condition's status. */
  async function shown(): Promise<string | undefined> {
    const { status } = (await cluster.get('node', NODE)) as NodeObject;
    return status.conditions?.find(({ type }) => type === 'NodesealEnforcing')?.status;
  }

  /** Events of pulls of this image that were refused. */
  async function eventsOn(image: string): Promise<readonly ClusterEvent[]> {
    const events = await cluster.events('ImageRefused');
    return events.filter(({ message }) => message.includes(`"${REGISTRY}/${image}:1"`));
  }

  /** What tells, with a proxy on its way and a clock that it does not outrun. */
  async function tell({ isAway = false } = {}) {
    const proxy = await ApiProxy.start(cluster);
    if (isAway) proxy.fault = () => ({ kind: 'cut' });
    const ledger = openLedger(':memory:');
    const clock = new FakeClock(new Date().toISOString());
    const log: string[] = [];
    const errors: string[] = [];
    const logger = {
      info: (first: object | string, text = first) =>
        log.push(typeof text === 'string' ? text : ''),
      warn: (_: object, text: string) => log.push(text),
    } as never;
    const access = kubernetesOf(
      { nodeName: NODE, admissionConfiguration: undefined },
      proxy.environment,
      logger,
      serviceAccountDir,
    );
    if (access === undefined) throw new Error('expected an API server');
    let enforcement = ENFORCING;
    const reports = new KubernetesReports(access, {
      ...{ ledger, clock, log: logger, enforcement: () => enforcement, random: () => 0 },
      metrics: {
        countError: (code) => errors.push(code),
        countComparison: () => undefined,
        countAdmissionDisagreement: () => undefined,
      },
    });
    ledger.history.onAdd = reports.linesAdded;
    const stop = new AbortController();
    const running = reports.run(stop.signal);
    await settle();
    const passing = <T>(what: string, look: () => T | Promise<T | undefined> | undefined) =>
      until(what, async () => {
        await clock.advance(10_000);
        return look();
      });
    return {
      ...{ proxy, clock, log, errors, until: passing },
      refuse: async (image: string) => {
        const name = `${REGISTRY}/${image}:1`;
        const fault = { decision: 'deny', reason: 'signature_missing', message: 'none' } as const;
        ledger.history.add(pullOf({ ...fault, name, repository: `${REGISTRY}/${image}` }));
        await settle();
      },
      turn: (now: Enforcement) => {
        enforcement = now;
        reports.stateChanged();
      },
      untilEvents: (image: string, count: number) =>
        passing(`${count} Events on ${image}`, async () => {
          const found = await eventsOn(image);
          return found.length >= count ? found : undefined;
        }),
      [Symbol.asyncDispose]: async () => {
        stop.abort();
        await running;
        ledger.close();
        await proxy[Symbol.asyncDispose]();
      },
    };
  }
});

describeOnNode('an agent without an API server', () => {
  let node: TestNode;

  beforeAll(async () => {
    node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
    await node.writeFile(`${SOURCE}/policy.json`, documentOf([statement()]));
    await node.writeFile(`${SOURCE}/truststore/x509/ca/acme/ca.crt`, createCa().root.pem);
    return () => node.stop();
  });

  it.each([
    ['none is named', {}, /^no API server is known: Kubernetes is told nothing/],
    [
      'nobody listens where it is named',
      { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' },
      /^Events do not reach Kubernetes/,
    ],
  ])('works, and says so once, where %s', async (_, environment, warning) => {
    const settings = { NODESEAL_NODE_NAME: node.name, NODESEAL_MODE: 'enforce', ...environment };
    const agent = await startNodeAgent(node, settings);
    await agent.until('enforcing', async () => {
      return (await agent.value('nodeseal_enforcement_state', { state: 'enforcing' })) === 1;
    });
    const { code, log } = await agent.stop();
    expect(code).toBe(0);
    const texts = log.map((line) => (JSON.parse(line) as { msg?: string }).msg ?? '');
    expect(texts.filter((text) => warning.test(text))).toHaveLength(1);
    const repeated = texts.filter((text, index) => texts.indexOf(text) !== index);
    expect(repeated.filter((text) => text.includes('API server'))).toEqual([]);
  });
});

function isEvent(path: string): boolean {
  return path.includes('/events');
}

/** The token of a list's next page, but of a revision that neither etcd nor the API server has any more. */
function agedBeyondMemory(token: string): string {
  const text = Buffer.from(token, 'base64url').toString();
  const aged = text.replace(/"rv":\d+/, '"rv":5');
  return Buffer.from(aged).toString('base64url');
}

function podOf({ name, image }: { readonly name: string; readonly image: string }): object {
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: SHOP } },
    spec: { nodeName: NODE, containers: [{ name: 'main', image }] },
  };
}

/** As kubelet tells of a pod that waits for its image. */
function statusOf({ name, image }: { readonly name: string; readonly image: string }): object {
  const state = { waiting: { reason: 'ImagePullBackOff' } };
  const container = { name: 'main', image, imageID: '', ready: false, restartCount: 0, state };
  return {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: SHOP } },
    status: { phase: 'Pending', containerStatuses: [container] },
  };
}
