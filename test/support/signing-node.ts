// A test node as most tests of the agent want it: a registry, a signing key that is trusted, and kubelet's way to pull.
import {
  type ContainerdClient,
  createContainerdClient,
} from '../../agent/node/containerd/client.ts';
import { AGENT_BINDS, SOURCE } from './node-agent.ts';
import { type Registry, type RegistryKind, startRegistry } from './node-images.ts';
import {
  createSigningKey,
  type KeyAlgorithm,
  type SigningKey,
  writeTruststore,
} from './node-signatures.ts';
import { type BootOptions, bootTestNode, type TestNode } from './test-node.ts';

export interface SigningNodeOptions {
  /** Beside the agent's binds. */
  readonly boot?: BootOptions;
  /** Default: `crane`. */
  readonly registry?: RegistryKind;
  /** Default: `p-256`. */
  readonly algorithm?: KeyAlgorithm;
}

/** Named `acme`, the key is in the trust store `ca:acme` of the agent's source. There is no policy yet. */
export interface SigningNode {
  readonly node: TestNode;
  readonly registry: Registry;
  readonly client: ContainerdClient;
  readonly key: SigningKey;
}

/** Boots it; it ends with `started`, also when this rejects half-way. */
export async function bootSigningNode(
  started: AsyncDisposableStack,
  { boot = {}, registry: kind = 'crane', algorithm = 'p-256' }: SigningNodeOptions = {},
): Promise<SigningNode> {
  const bindReadOnly = { ...AGENT_BINDS, ...boot.bindReadOnly };
  const node = started.use(await bootTestNode({ ...boot, bindReadOnly }));
  const registry = await startRegistry(node, kind);
  const client = createContainerdClient(node.path('/run/containerd/containerd.sock'));
  started.defer(() => {
    client.close();
  });
  const key = await createSigningKey(node, 'acme', algorithm);
  await writeTruststore(node, 'acme', [key], `${SOURCE}/truststore`);
  return { node, registry, client, key };
}
