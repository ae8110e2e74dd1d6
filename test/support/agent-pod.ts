// The chart's pod on a test node: run by containerd from the agent's image, as kubelet would have it run.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ContainerdClient } from '../../agent/node/containerd/client.ts';
import type { PushedImage } from './node-images.ts';
import { LOG_DIRECTORY, NODE_NAMESPACE, type NodePod, runContainer } from './node-pods.ts';
import type { PodMount, RenderedPod } from './rendered-pod.ts';
import type { TestNode } from './test-node.ts';

/** runtime.v1.NamespaceMode: a PID namespace for each container, which is kubelet's default. */
const CONTAINER_NAMESPACE = 1;
/** runtime.v1.MountPropagation. */
const HOST_TO_CONTAINER = 1;
/** What kubelet hides of /proc, and what of it nobody may write to. */
const MASKED_PATHS = [
  'acpi',
  'kcore',
  'keys',
  'latency_stats',
  'timer_list',
  'sched_debug',
  'scsi',
];
const READ_ONLY_PATHS = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'];
const VOLUMES = '/var/lib/test-volumes';

/** A running pod of the agent. */
export interface AgentPod extends NodePod {
  /** What it wrote, one line each. */
  log(): Promise<readonly string[]>;
}

/** How a test changes what is rendered. */
export interface PodChanges {
  readonly args?: readonly string[];
  readonly capabilities?: readonly string[];
  readonly isMounted?: (mount: PodMount) => boolean;
}

/** Runs the pod until it is stopped. Its image is on the node already. */
export async function runAgentPod(
  { node, client }: { readonly node: TestNode; readonly client: ContainerdClient },
  image: PushedImage,
  pod: RenderedPod,
  { args = pod.args, capabilities = pod.capabilities, isMounted = () => true }: PodChanges = {},
): Promise<AgentPod> {
  if (!pod.isHostNetwork || pod.isHostPid) throw new Error('expected hostNetwork and no hostPID');
  const name = `nodeseal-${args[0] ?? ''}-${Date.now()}`;
  const mounts: object[] = [];
  for (const mount of pod.mounts.filter(isMounted)) {
    mounts.push({
      containerPath: mount.path,
      hostPath: await volumeOf(node, name, mount),
      readonly: mount.isReadOnly,
      propagation: HOST_TO_CONTAINER,
    });
  }
  const logPath = `${name}.log`;
  await node.output(['mkdir', '-p', LOG_DIRECTORY]);
  const running = await runContainer(
    client,
    { namespace: 'nodeseal', name },
    {
      ...{ name: 'nodeseal', args, mounts, logPath },
      image: { image: image.pinned, userSpecifiedImage: image.tagged },
      ...(pod.command === undefined ? {} : { command: pod.command }),
      envs: Object.entries(pod.env).map(([key, value]) => ({ key, value })),
      stopSeconds: pod.terminationGracePeriodSeconds,
      linux: {
        securityContext: {
          capabilities: { dropCapabilities: ['ALL'], addCapabilities: capabilities },
          namespaceOptions: { network: NODE_NAMESPACE, pid: CONTAINER_NAMESPACE },
          runAsUser: { value: pod.uid },
          runAsGroup: { value: pod.gid },
          readonlyRootfs: pod.hasReadOnlyRoot,
          noNewPrivs: !pod.hasNewPrivileges,
          maskedPaths: MASKED_PATHS.map((path) => `/proc/${path}`),
          readonlyPaths: READ_ONLY_PATHS.map((path) => `/proc/${path}`),
          seccomp: { profileType: seccompOf(pod.seccompProfile) },
        },
      },
    },
  );
  return {
    ...running,
    log: async () => readPodLog(node.path(join(LOG_DIRECTORY, logPath))),
    remove: async () => {
      await running.remove();
      await node.output(['rm', '-rf', `${VOLUMES}/${name}`]);
    },
  };
}

/** Where a mount's content is on the node; made as kubelet makes it. */
async function volumeOf(node: TestNode, pod: string, { path, source }: PodMount): Promise<string> {
  if (source.kind === 'host') {
    if (source.type === 'DirectoryOrCreate') await node.output(['mkdir', '-p', source.path]);
    else await node.output(['test', source.type === 'File' ? '-f' : '-d', source.path]);
    return source.path;
  }
  const directory = `${VOLUMES}/${pod}${path}`;
  await node.output(['mkdir', '-p', directory]);
  if (source.kind === 'files') {
    for (const [name, text] of Object.entries(source.files)) {
      await node.output(['mkdir', '-p', dirname(`${directory}/${name}`)]);
      await node.writeFile(`${directory}/${name}`, text);
    }
  }
  return directory;
}

/** runtime.v1.SecurityProfile. */
function seccompOf(profile: string): number {
  const type = ['RuntimeDefault', 'Unconfined'].indexOf(profile);
  if (type < 0) throw new Error(`seccomp profile: expected one of every node's, found ${profile}`);
  return type;
}

/** As containerd writes it: time, stream, whether the line is whole, and the line. */
async function readPodLog(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' ').slice(3).join(' '));
}
