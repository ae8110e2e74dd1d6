// What runs on the node: containerd's containers into the ledger, and what Kubernetes says made their pods.
import type { Logger } from 'pino';
import type { Clock } from '../../audit/clock.ts';
import type { Controller } from '../../audit/container.ts';
import { followContainers } from '../../audit/containers.ts';
import type { Ledger } from '../../audit/ledger.ts';
import { PodControllers } from '../../audit/pod-controllers.ts';
import type { Config } from '../../config.ts';
import type { AgentError } from '../../errors.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { createContainerdClient } from '../../node/containerd/client.ts';
import { listPodContainers } from '../../node/containerd/containers.ts';
import { followTaskEvents } from '../../node/containerd/task-events.ts';
import { parseApiServer, SERVICE_ACCOUNT_DIR } from '../../node/kubernetes/in-cluster.ts';
import { listPodControllers } from '../../node/kubernetes/list-pods.ts';

/** Asks Kubernetes what made each pod of this node, by uid. */
export type ListPods = (signal: AbortSignal) => Promise<ReadonlyMap<string, Controller | null>>;

/** What following the containers needs. */
export interface ContainersParts {
  readonly socketPath: string;
  readonly ledger: Pick<Ledger, 'containers'>;
  /** Undefined where no node is named: pods are then known by the labels of their containers only. */
  readonly pods: ListPods | undefined;
  /** Other containers run than before. */
  readonly onChange?: (() => void) | undefined;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'countError'>;
  readonly log: Pick<Logger, 'warn'>;
}

/** How the pods of this node are asked for; undefined where no node is named. */
export function podsOf(
  { nodeName }: Pick<Config, 'nodeName'>,
  environment: Readonly<Record<string, string | undefined>>,
  serviceAccountDir = SERVICE_ACCOUNT_DIR,
): ListPods | undefined {
  if (nodeName === undefined) return undefined;
  return async (signal) => {
    const api = { server: parseApiServer(environment), serviceAccountDir };
    return listPodControllers(api, nodeName, signal);
  };
}

/** Follows until the signal aborts. Rejects with `ledger_failed`; everything else is told and tried again. */
export async function followRunning(parts: ContainersParts, signal: AbortSignal): Promise<void> {
  const { socketPath, pods, clock, metrics, log } = parts;
  const { containers } = parts.ledger;
  const client = createContainerdClient(socketPath);
  const told: { message?: string } = {};
  const onIncident = ({ code, message }: AgentError): void => {
    metrics.countError(code);
    // Every five seconds the same, while containerd is down or leaves CRI out.
    if (told.message !== message) log.warn({ code }, `running containers: ${message}`);
    told.message = message;
  };
  const controllers =
    pods === undefined
      ? undefined
      : new PodControllers({ containers, list: pods, clock, onIncident });
  const source = {
    events: (within: AbortSignal) => followTaskEvents(client, within),
    list: (within: AbortSignal) => listPodContainers(client, within),
  };
  const onChange = (): void => {
    controllers?.wake();
    parts.onChange?.();
  };
  try {
    await Promise.all([
      followContainers({ containers, source, clock, onChange, onIncident }, signal),
      controllers?.run(signal),
    ]);
  } finally {
    client.close();
  }
}
