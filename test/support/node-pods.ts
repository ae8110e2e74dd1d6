// Pods on a node, made by CRI calls as kubelet makes them, on the node's own network.
import { randomUUID } from 'node:crypto';
import { fromJSON } from '@grpc/proto-loader';
import type { ContainerdClient } from '../../agent/node/containerd/client.ts';
import type { Method } from '../../agent/node/containerd/descriptors.ts';
import {
  call,
  listOf,
  message,
  type Nested,
  of,
  text,
  textMap,
  texts,
} from '../../agent/node/containerd/fields.ts';
import type { PushedImage } from './node-images.ts';
import type { TestNode } from './test-node.ts';

/** runtime.v1.NamespaceMode: the node's. A network of its own would need a plugin on the node. */
export const NODE_NAMESPACE = 2;
const STOP_SECONDS = 1;
/** runtime.v1.ContainerState. */
const CONTAINER_EXITED = 2;

// Field numbers of CRI's public .proto file; only what is needed here.
const MESSAGES: Nested = {
  NamespaceOption: message({ network: of('int32', 1), pid: of('int32', 2) }),
  LinuxSandboxSecurityContext: message({ namespaceOptions: of('NamespaceOption', 1) }),
  Capability: message({ addCapabilities: texts(1), dropCapabilities: texts(2) }),
  Int64Value: message({ value: of('int64', 1) }),
  SecurityProfile: message({ profileType: of('int32', 1) }),
  LinuxContainerSecurityContext: message({
    capabilities: of('Capability', 1),
    namespaceOptions: of('NamespaceOption', 3),
    runAsUser: of('Int64Value', 5),
    readonlyRootfs: of('bool', 7),
    noNewPrivs: of('bool', 11),
    runAsGroup: of('Int64Value', 12),
    maskedPaths: texts(13),
    readonlyPaths: texts(14),
    seccomp: of('SecurityProfile', 15),
  }),
  LinuxContainerConfig: message({ securityContext: of('LinuxContainerSecurityContext', 2) }),
  KeyValue: message({ key: text(1), value: text(2) }),
  Mount: message({
    containerPath: text(1),
    hostPath: text(2),
    readonly: of('bool', 3),
    propagation: of('int32', 5),
  }),
  LinuxPodSandboxConfig: message({ securityContext: of('LinuxSandboxSecurityContext', 2) }),
  PodSandboxMetadata: message({ name: text(1), uid: text(2), namespace: text(3) }),
  PodSandboxConfig: message({
    metadata: of('PodSandboxMetadata', 1),
    logDirectory: text(3),
    labels: textMap(6),
    linux: of('LinuxPodSandboxConfig', 8),
  }),
  RunPodSandboxRequest: message({ config: of('PodSandboxConfig', 1) }),
  RunPodSandboxResponse: message({ podSandboxId: text(1) }),
  ContainerMetadata: message({ name: text(1) }),
  ImageSpec: message({ image: text(1), userSpecifiedImage: text(18) }),
  ContainerConfig: message({
    metadata: of('ContainerMetadata', 1),
    image: of('ImageSpec', 2),
    command: texts(3),
    args: texts(4),
    envs: listOf('KeyValue', 6),
    mounts: listOf('Mount', 7),
    labels: textMap(9),
    logPath: text(11),
    linux: of('LinuxContainerConfig', 15),
  }),
  CreateContainerRequest: message({
    podSandboxId: text(1),
    config: of('ContainerConfig', 2),
    sandboxConfig: of('PodSandboxConfig', 3),
  }),
  CreateContainerResponse: message({ containerId: text(1) }),
  StartContainerRequest: message({ containerId: text(1) }),
  StopContainerRequest: message({ containerId: text(1), timeout: of('int64', 2) }),
  ContainerStatusRequest: message({ containerId: text(1) }),
  ContainerStatus: message({ state: of('int32', 3), exitCode: of('int32', 7) }),
  ContainerStatusResponse: message({ status: of('ContainerStatus', 1) }),
  StopPodSandboxRequest: message({ podSandboxId: text(1) }),
  RemovePodSandboxRequest: message({ podSandboxId: text(1) }),
  Nothing: message({}),
  RuntimeService: {
    methods: {
      RunPodSandbox: call('RunPodSandboxRequest', 'RunPodSandboxResponse'),
      CreateContainer: call('CreateContainerRequest', 'CreateContainerResponse'),
      StartContainer: call('StartContainerRequest', 'Nothing'),
      StopContainer: call('StopContainerRequest', 'Nothing'),
      ContainerStatus: call('ContainerStatusRequest', 'ContainerStatusResponse'),
      StopPodSandbox: call('StopPodSandboxRequest', 'Nothing'),
      RemovePodSandbox: call('RemovePodSandboxRequest', 'Nothing'),
    },
  },
};

const PACKAGE = fromJSON({ nested: { runtime: { nested: { v1: { nested: MESSAGES } } } } });

const RUNTIME = '/usr/local/bin/runc-anywhere';

// What CRI asks of runc, but for what not every machine that runs these tests has: each cgroup
// controller, and leave to make a process less likely to be killed than itself.
const RUNTIME_SCRIPT = `#!/bin/sh
bundle=
for word do
  if [ "$previous" = --bundle ]; then bundle=$word; fi
  previous=$word
done
if [ -n "$bundle" ]; then
  jq 'del(.linux.resources, .process.oomScoreAdj)' "$bundle/config.json" >"$bundle/config.new"
  mv "$bundle/config.new" "$bundle/config.json"
fi
exec runc "$@"
`;

/** Puts a runtime on the node with which pods run on any machine; the plugins to configure for it. */
export async function installRuntime(node: TestNode) {
  await node.writeFile(RUNTIME, RUNTIME_SCRIPT, 0o755);
  const runc = { runtime_type: 'io.containerd.runc.v2', options: { BinaryName: RUNTIME } };
  return { 'io.containerd.cri.v1.runtime': { containerd: { runtimes: { runc } } } };
}

/** A pod with one container. */
export interface NodePod {
  readonly uid: string;
  readonly containerId: string;
  /** What its container ended with; null while it runs. */
  exitCode(): Promise<number | null>;
  /** Ends the container; the pod stays. */
  stop(): Promise<void>;
  /** Ends and removes all of it. */
  remove(): Promise<void>;
}

/** Runs an image that is on the node, under its busybox, until it is stopped. */
export async function runPod(
  client: ContainerdClient,
  image: PushedImage,
  names: { readonly namespace: string; readonly name: string },
): Promise<NodePod> {
  return runContainer(client, names, {
    name: 'main',
    image: { image: image.pinned, userSpecifiedImage: image.tagged },
    command: ['/bin/busybox', 'sleep', '3600'],
  });
}

/** What of CRI's ContainerConfig the tests set, as it names it. */
export interface ContainerRequest {
  readonly name: string;
  readonly image: { readonly image: string; readonly userSpecifiedImage: string };
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly envs?: readonly { readonly key: string; readonly value: string }[];
  readonly mounts?: readonly object[];
  /** Below `LOG_DIRECTORY` on the node. */
  readonly logPath?: string;
  readonly linux?: object;
  /** How long it has to end. Default: 1. */
  readonly stopSeconds?: number;
}

/** Where containerd writes what containers write, on the node. */
export const LOG_DIRECTORY = '/var/log/test-pods';

/** Runs a pod with this container until it is stopped. */
export async function runContainer(
  client: ContainerdClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  { name: container, stopSeconds: timeout = STOP_SECONDS, ...rest }: ContainerRequest,
): Promise<NodePod> {
  const uid = randomUUID();
  const labels = {
    'io.kubernetes.pod.name': name,
    'io.kubernetes.pod.namespace': namespace,
    'io.kubernetes.pod.uid': uid,
  };
  const sandbox = {
    metadata: { name, uid, namespace },
    labels,
    logDirectory: LOG_DIRECTORY,
    linux: { securityContext: { namespaceOptions: { network: NODE_NAMESPACE } } },
  };
  const { podSandboxId } = await cri(client, 'RunPodSandbox', { config: sandbox });
  const config = {
    ...rest,
    metadata: { name: container },
    labels: { ...labels, 'io.kubernetes.container.name': container },
  };
  const request = { podSandboxId, config, sandboxConfig: sandbox };
  const { containerId = '' } = await cri(client, 'CreateContainer', request);
  await cri(client, 'StartContainer', { containerId });
  return {
    uid,
    containerId,
    exitCode: async () => {
      const { status } = await cri(client, 'ContainerStatus', { containerId });
      return status?.state === CONTAINER_EXITED ? (status.exitCode ?? 0) : null;
    },
    stop: async () => {
      await cri(client, 'StopContainer', { containerId, timeout });
    },
    remove: async () => {
      await cri(client, 'StopPodSandbox', { podSandboxId });
      await cri(client, 'RemovePodSandbox', { podSandboxId });
    },
  };
}

interface Answer {
  readonly podSandboxId?: string;
  readonly containerId?: string;
  readonly status?: { readonly state?: number; readonly exitCode?: number };
}

function cri(client: ContainerdClient, name: string, request: object): Promise<Answer> {
  const service = PACKAGE['runtime.v1.RuntimeService'] as unknown as Readonly<
    Record<
      string,
      {
        path: string;
        requestSerialize: (r: object) => Buffer;
        responseDeserialize: (b: Buffer) => Answer;
      }
    >
  >;
  const found = service[name];
  if (found === undefined) throw new TypeError(name);
  const method: Method<object, Answer> = {
    path: found.path,
    encodeRequest: found.requestSerialize,
    decodeResponse: found.responseDeserialize,
  };
  return client.call(method, request, { timeoutMs: 60_000 });
}
