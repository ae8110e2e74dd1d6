// The pod of the rendered DaemonSet as typed values, for whoever runs it without a kubelet.
import { findManifest, type Manifest } from './rendered-manifests.ts';

/** What is mounted into the pod. */
export interface PodMount {
  readonly path: string;
  readonly isReadOnly: boolean;
  readonly source:
    | { readonly kind: 'host'; readonly path: string; readonly type: string }
    /** Files by their path below the mount, of ConfigMaps that are rendered with it. */
    | { readonly kind: 'files'; readonly files: Readonly<Record<string, string>> }
    | { readonly kind: 'empty' };
}

export interface PodProbe {
  readonly path: string;
  /** Undefined for the pod's own address. */
  readonly host: string | undefined;
  readonly port: number;
}

/** The agent's pod, and its one container. */
export interface RenderedPod {
  readonly image: string;
  /** Undefined: the image's entry point. */
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[];
  /** What is taken from the pod, such as `spec.nodeName`, stands as `$(spec.nodeName)`. */
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly PodMount[];
  /** Without `CAP_`; every other one is dropped. */
  readonly capabilities: readonly string[];
  readonly uid: number;
  readonly gid: number;
  readonly isHostNetwork: boolean;
  readonly isHostPid: boolean;
  readonly hasReadOnlyRoot: boolean;
  readonly hasNewPrivileges: boolean;
  readonly seccompProfile: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly probes: Readonly<Record<'startup' | 'liveness' | 'readiness', PodProbe>>;
  readonly terminationGracePeriodSeconds: number;
  /** In bytes, as the chart says it, such as `256Mi`. */
  readonly memoryLimit: string | undefined;
}

interface Item {
  readonly key: string;
  readonly path: string;
}
interface Named {
  readonly name: string;
  readonly items?: readonly Item[];
}
interface Volume {
  readonly name: string;
  readonly hostPath?: { readonly path: string; readonly type?: string };
  readonly configMap?: Named;
  readonly projected?: { readonly sources: readonly { readonly configMap?: Named }[] };
  readonly emptyDir?: object;
}
interface Probe {
  readonly httpGet: {
    readonly path: string;
    readonly port: string | number;
    readonly host?: string;
  };
}
export interface AgentContainer {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly {
    readonly name: string;
    readonly value?: string;
    readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
  }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly resources: { readonly limits?: { readonly memory?: string } };
  readonly securityContext: {
    readonly privileged: boolean;
    readonly allowPrivilegeEscalation: boolean;
    readonly readOnlyRootFilesystem: boolean;
    readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
  };
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
    readonly mountPropagation?: string;
  }[];
}
export interface AgentPodSpec {
  readonly containers: readonly [AgentContainer];
  readonly volumes: readonly Volume[];
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly dnsPolicy: string;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: {
    readonly runAsUser: number;
    readonly runAsGroup: number;
    readonly seccompProfile: { readonly type: string };
    readonly seLinuxOptions?: { readonly type: string };
  };
}

/** The pod's specification as it is written. */
export function agentPodSpec(manifests: readonly Manifest[]): AgentPodSpec {
  return podSpecOf(findManifest(manifests, 'DaemonSet'));
}

/** The pod of a workload of the chart. */
export function podSpecOf({ spec }: Manifest): AgentPodSpec {
  return (spec as { template: { spec: AgentPodSpec } }).template.spec;
}

/** The same as what it comes to. Throws for a mount whose content is not rendered with it. */
export function renderedPod(manifests: readonly Manifest[]): RenderedPod {
  const spec = agentPodSpec(manifests);
  const [container] = spec.containers;
  const { securityContext: own } = container;
  const ports = Object.fromEntries(
    container.ports.map(({ name, containerPort }) => [name, containerPort]),
  );
  const probe = ({ httpGet: { path, port, host } }: Probe): PodProbe => ({
    ...{ path, host },
    port: typeof port === 'number' ? port : (ports[port] ?? NaN),
  });
  return {
    image: container.image,
    command: container.command,
    args: container.args,
    env: Object.fromEntries(
      container.env.map(({ name, value, valueFrom }) => [
        name,
        value ?? `$(${valueFrom?.fieldRef.fieldPath ?? ''})`,
      ]),
    ),
    mounts: container.volumeMounts.map(({ name, mountPath, readOnly }) => ({
      path: mountPath,
      isReadOnly: readOnly === true,
      source: sourceOf(spec.volumes, name, manifests),
    })),
    capabilities: own.capabilities.add ?? [],
    uid: spec.securityContext.runAsUser,
    gid: spec.securityContext.runAsGroup,
    isHostNetwork: spec.hostNetwork === true,
    isHostPid: spec.hostPID === true,
    hasReadOnlyRoot: own.readOnlyRootFilesystem,
    hasNewPrivileges: own.allowPrivilegeEscalation,
    seccompProfile: spec.securityContext.seccompProfile.type,
    ports,
    probes: {
      startup: probe(container.startupProbe),
      liveness: probe(container.livenessProbe),
      readiness: probe(container.readinessProbe),
    },
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds,
    memoryLimit: container.resources.limits?.memory,
  };
}

function sourceOf(
  volumes: readonly Volume[],
  name: string,
  manifests: readonly Manifest[],
): PodMount['source'] {
  const volume = volumes.find((one) => one.name === name);
  if (volume?.hostPath !== undefined) {
    return { kind: 'host', path: volume.hostPath.path, type: volume.hostPath.type ?? '' };
  }
  if (volume?.emptyDir !== undefined) return { kind: 'empty' };
  const maps =
    volume?.configMap === undefined
      ? (volume?.projected?.sources ?? []).map(({ configMap }) => configMap)
      : [volume.configMap];
  if (volume?.projected === undefined && maps.length === 0) {
    throw new Error(`volume ${name}: expected a directory of the host, ConfigMaps or nothing`);
  }
  const files = maps.flatMap((map) => Object.entries(filesOf(map, manifests)));
  return { kind: 'files', files: Object.fromEntries(files) };
}

function filesOf(
  map: Named | undefined,
  manifests: readonly Manifest[],
): Readonly<Record<string, string>> {
  if (map === undefined) throw new Error('expected a ConfigMap: a Secret is not rendered');
  const { data } = findManifest(manifests, 'ConfigMap', map.name);
  const texts = data as Readonly<Record<string, string>>;
  const items = map.items ?? Object.keys(texts).map((key) => ({ key, path: key }));
  return Object.fromEntries(
    items.map(({ key, path }) => {
      const text = texts[key];
      if (text === undefined) throw new Error(`ConfigMap ${map.name}: expected the key ${key}`);
      return [path, text];
    }),
  );
}
