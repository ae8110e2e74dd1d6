// A node of a small fleet: containerd that can run pods, and the agent with a policy and trust of its own.
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { pullImage } from '../../agent/node/containerd/cri.ts';
import { AGENT_BINDS, type NodeAgent, SOURCE, startNodeAgent } from './node-agent.ts';
import { configureContainerd } from './node-containerd.ts';
import type { PushedImage } from './node-images.ts';
import { installRuntime } from './node-pods.ts';
import { type SigningKey, writeTruststore } from './node-signatures.ts';
import { bootTestNode, type TestNode } from './test-node.ts';

/** A booted one; the agent runs once it was started. */
export interface Worker {
  /** As Kubernetes would call its node. */
  readonly name: string;
  readonly node: TestNode;
  readonly client: ContainerdClient;
  /** Throws a TypeError before `start`. */
  readonly agent: NodeAgent;
  /** Offers a policy and trusted keys to the agent; those that were offered before stay trusted. */
  offer(policy: string | Uint8Array, keys?: readonly SigningKey[]): Promise<void>;
  /** Configures containerd, with further settings of its CRI plugin's images, and restarts it. */
  configure(pause: PushedImage, images?: Readonly<Record<string, boolean>>): Promise<void>;
  /** Starts the agent with what was offered. */
  start(): Promise<void>;
  /** Ends the node, and all that runs there. */
  stop(): Promise<void>;
}

/** Boots a node by that name. Its pods' pause image has to be pullable without a signature. */
export async function bootWorker(name: string): Promise<Worker> {
  const node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
  const client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
  let agent: NodeAgent | undefined;
  return {
    name,
    node,
    client,
    get agent() {
      if (agent === undefined) throw new TypeError(`${name}: its agent was not started`);
      return agent;
    },
    offer: async (policy, keys = []) => {
      await writeTruststore(node, 'acme', keys, `${SOURCE}/truststore`);
      await node.writeFile(`${SOURCE}/policy.json`, policy);
    },
    configure: async (pause, images = {}) => {
      const plugins = await installRuntime(node);
      await configureContainerd(node, client, {
        ...{ images: { ...images, pinned_images: { sandbox: pause.tagged } }, plugins },
      });
      await pullImage(client, pause.tagged);
    },
    start: async () => {
      agent = await startNodeAgent(node);
    },
    stop: async () => {
      client.close();
      await agent?.stop();
      await node.stop();
    },
  };
}
