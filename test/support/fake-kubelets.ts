// What stands for the scheduler and the kubelets of nodes that exist by name alone, on a real control plane.
import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { duration } from '../../agent/commands/arguments.ts';
import {
  daemonSetNamed,
  runDaemonSetUninstall,
} from '../../agent/commands/uninstall-daemon-set.ts';
import type { ApiClientOptions } from '../../agent/node/kubernetes/api-client.ts';
import type { TestCluster } from './test-cluster.ts';

const LOOK_MS = 200;

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly kind: string }[];
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly serviceAccountName: string;
    readonly containers: readonly [{ readonly args: readonly string[] }];
    readonly affinity?: {
      readonly nodeAffinity: {
        readonly requiredDuringSchedulingIgnoredDuringExecution: {
          readonly nodeSelectorTerms: readonly [
            { readonly matchFields: readonly [{ readonly values: readonly [string] }] },
          ];
        };
      };
    };
  };
  readonly status: { readonly phase?: string };
}

/**
 * Pods of one namespace get to their nodes and are ready, those that are deleted go, and those of Jobs
 * run: what they run is `uninstall --daemonset`, in this process and with the pod's own token.
 */
export class FakeKubelets implements AsyncDisposable {
  readonly #cluster: TestCluster;
  readonly #namespace: string;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #jobs = new Map<string, 'Pending' | 'Succeeded' | 'Failed'>();
  /** Nodes whose kubelets do nothing. */
  readonly silent = new Set<string>();
  /** What the pods of Jobs said. */
  readonly said: string[] = [];

  private constructor(cluster: TestCluster, namespace: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#running = this.#run();
    // Told to who stops it.
    this.#running.catch(() => undefined);
  }

  /** Makes the nodes. */
  static async start(cluster: TestCluster, namespace: string, nodes: readonly string[]) {
    const objects = nodes.map((name) => ({
      ...{ apiVersion: 'v1', kind: 'Node' },
      metadata: { name, labels: { 'kubernetes.io/os': 'linux' } },
    }));
    await cluster.apply(objects);
    return new FakeKubelets(cluster, namespace);
  }

  /** Rejects with what they failed for. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async pods(): Promise<readonly Pod[]> {
    const list = await this.#cluster.get('pods', '-n', this.#namespace);
    return (list as { readonly items: readonly Pod[] }).items;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      for (const pod of await this.pods()) await this.#serve(pod);
      await delay(LOOK_MS);
    }
  }

  async #serve(pod: Pod): Promise<void> {
    const { name, deletionTimestamp } = pod.metadata;
    const { nodeName, affinity } = pod.spec;
    const terms =
      affinity?.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms;
    try {
      if (nodeName === undefined) {
        const node = terms?.[0].matchFields[0].values[0] ?? 'node-1';
        await this.#cluster.bind(this.#namespace, name, node);
      } else if (this.silent.has(nodeName)) {
        return;
      } else if (deletionTimestamp !== undefined) {
        await this.#on(name, 'delete', 'pod', '--grace-period=0', '--force');
      } else if (pod.status.phase === 'Pending') {
        const status = JSON.stringify({ status: await this.#statusOf(pod) });
        const patch = ['--subresource=status', '--type=merge', '--patch', status];
        await this.#on(name, 'patch', 'pod', ...patch);
      }
    } catch (error) {
      // It went since it was listed.
      if (!String(error).includes('NotFound')) throw error;
    }
  }

  async #on(name: string, verb: string, kind: string, ...args: readonly string[]): Promise<void> {
    await this.#cluster.kubectl(verb, '-n', this.#namespace, kind, name, ...args);
  }

  async #statusOf(pod: Pod): Promise<object> {
    const { name, ownerReferences = [] } = pod.metadata;
    if (!ownerReferences.some(({ kind }) => kind === 'Job')) {
      return { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
    }
    if (!this.#jobs.has(name)) await this.#startJob(pod);
    return { phase: this.#jobs.get(name) };
  }

  /** Nobody waits for it, because kubelets go on meanwhile. */
  async #startJob({ metadata: { name }, spec }: Pod): Promise<void> {
    this.#jobs.set(name, 'Pending');
    const { serviceAccountName, containers } = spec;
    const api = await this.#cluster.access(this.#namespace, serviceAccountName, name);
    void this.#uninstall(api, containers[0].args).then((code) => {
      this.#jobs.set(name, code === 0 ? 'Succeeded' : 'Failed');
    });
  }

  async #uninstall(
    { server, serviceAccountDir }: ApiClientOptions,
    [, , daemonSet = '', , wait = '']: readonly string[],
  ): Promise<number> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    for (const stream of [stdout, stderr]) {
      stream.on('data', (bytes: Buffer) => this.said.push(bytes.toString()));
    }
    const environment = {
      KUBERNETES_SERVICE_HOST: server.host,
      KUBERNETES_SERVICE_PORT: String(server.port),
    };
    const { signal } = this.#stop;
    const waitMs = duration(wait, '--wait', 0);
    const asked = { name: daemonSetNamed(daemonSet), waitMs, format: 'text' } as const;
    const context = { args: [], environment, stdout, stderr, signal };
    try {
      return await runDaemonSetUninstall(context, asked, serviceAccountDir);
    } catch (error) {
      this.said.push(String(error));
      return 2;
    }
  }
}
