// A DaemonSet and its controller on the tests' API server: each look at it is a moment later.
import { type KubernetesApi, startKubernetesApi, statusOf } from './kubernetes-api.ts';

/** What becomes of the pod on a node once the DaemonSet is changed. */
export type Fate =
  /** Replaced, and ready after so many looks. */
  | { readonly readyAfter: number }
  /** Replaced, but never ready. */
  | 'stuck'
  /** Its node does not answer: the old pod is never replaced, and ready as far as anybody knows. */
  | 'old'
  /** Made but never put on its node. */
  | 'pending'
  /** Not even made. */
  | 'missing';

interface Container {
  readonly name: string;
  readonly args: readonly string[];
}

const PATH = '/apis/apps/v1/namespaces/security/daemonsets/nodeseal';
const PODS = '/api/v1/namespaces/security/pods?';
const LABELS = { 'app.kubernetes.io/name': 'nodeseal' };

export async function startDaemonSet(
  fates: Readonly<Record<string, Fate>>,
  container = 'nodeseal',
): Promise<DaemonSet> {
  return new DaemonSet(await startKubernetesApi('node-1'), fates, container);
}

export class DaemonSet {
  readonly api: KubernetesApi;
  readonly patches: unknown[] = [];
  containers: readonly Container[];
  generation = 1;
  looks = 0;
  /** Answers to `GET` of the DaemonSet that fail, from now on. */
  failures = 0;
  readonly #fates: Readonly<Record<string, Fate>>;

  constructor(api: KubernetesApi, fates: Readonly<Record<string, Fate>>, container: string) {
    this.api = api;
    this.#fates = fates;
    this.containers = [{ name: container, args: ['run'] }];
    api.intercept = ({ method, path, type }, response, body) => {
      const answer = this.#answer(method, path ?? '', type, body);
      response.writeHead(answer[0]).end(JSON.stringify(answer[1]));
      return true;
    };
  }

  #answer(
    method: string | undefined,
    path: string,
    type: string | undefined,
    body: string,
  ): [number, object] {
    if (method === 'GET' && path.startsWith(PODS)) return [200, this.#pods(path)];
    if (path !== PATH) return statusOf(404, `daemonsets.apps "${path}" not found`);
    if (method === 'GET') {
      this.looks += 1;
      if (this.failures === 0) return [200, this.object()];
      this.failures -= 1;
      return statusOf(503, 'etcd has no leader');
    }
    if (method !== 'PATCH' || type !== 'application/strategic-merge-patch+json') {
      return statusOf(415, 'Unsupported Media Type');
    }
    const patch = JSON.parse(body) as {
      spec: { template: { spec: { containers: readonly Container[] } } };
    };
    this.patches.push(patch);
    this.containers = patch.spec.template.spec.containers;
    this.generation += 1;
    this.looks = 0;
    return [200, this.object()];
  }

  object(): object {
    const fates = Object.values(this.#fates);
    const isObserved = this.looks > 0 || this.generation === 1;
    const isReady = (fate: Fate) =>
      typeof fate === 'object' ? this.looks > fate.readyAfter : fate === 'old';
    const isUpdated = (fate: Fate) => fate !== 'old' && fate !== 'missing';
    return {
      kind: 'DaemonSet',
      metadata: { name: 'nodeseal', generation: this.generation },
      spec: {
        selector: { matchLabels: LABELS },
        template: { spec: { containers: this.containers } },
      },
      status: {
        observedGeneration: isObserved ? this.generation : this.generation - 1,
        desiredNumberScheduled: fates.length,
        updatedNumberScheduled: isObserved ? fates.filter(isUpdated).length : fates.length,
        numberReady: isObserved ? fates.filter(isReady).length : fates.length,
      },
    };
  }

  /** One pod on each page. */
  #pods(path: string): object {
    const query = new URLSearchParams(path.slice(PODS.length));
    if (query.get('labelSelector') !== 'app.kubernetes.io/name=nodeseal') return { items: [] };
    const nodes = Object.entries(this.#fates).filter(([, fate]) => fate !== 'missing');
    const at = Number(query.get('continue') ?? 0);
    const next = at + 1 < nodes.length ? { continue: String(at + 1) } : {};
    const items = nodes.slice(at, at + 1).map(([node, fate]) => this.#pod(node, fate));
    return { kind: 'PodList', metadata: next, items };
  }

  #pod(node: string, fate: Fate): object {
    const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
    const required = { nodeSelectorTerms: [{ matchFields }] };
    const isReady = fate === 'old' || (typeof fate === 'object' && this.looks > fate.readyAfter);
    return {
      metadata: { name: `nodeseal-${node}` },
      spec: {
        ...(fate === 'pending' ? {} : { nodeName: node }),
        affinity: {
          nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required },
        },
        containers: fate === 'old' ? [{ name: 'nodeseal', args: ['run'] }] : this.containers,
      },
      status: { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
    };
  }
}
