// Which platforms a node is of, told from its files, and what each means for containerd's configuration.

/** Who decides what is in containerd's configuration and beside it. */
export type ConfigOwner =
  /** Whoever runs the node: a change stays. */
  | 'operator'
  /** The platform writes it anew at each start or boot, from `remedy`. */
  | 'generated'
  /** Nothing can be added to the host; the platform verifies by its own means. */
  | 'read-only';

export interface Platform {
  readonly name: string;
  readonly configOwner: ConfigOwner;
  /** What is so on this platform, in one sentence. */
  readonly meaning: string;
  /** Where a change of containerd's configuration is made so that it stays. */
  readonly remedy: string;
}

/** What a platform is told by. */
export interface PlatformFacts {
  /** os-release(5). */
  readonly osRelease: ReadonlyMap<string, string>;
  /** Those of `PLATFORM_MARKERS` that exist. */
  readonly markers: ReadonlySet<string>;
  readonly configPath: string;
}

export type PlatformName = keyof typeof PLATFORMS;

interface PlatformRule extends Omit<Platform, 'name'> {
  /** `ID` of os-release. */
  readonly osId?: string;
  /** Any of these paths exists on the host. */
  readonly markers?: readonly string[];
  /** containerd's root configuration file is below this. */
  readonly configBelow?: string;
}

/** Operating systems first, then what is installed on them: a node may be of one of each. */
export const PLATFORMS = {
  Talos: {
    osId: 'talos',
    configOwner: 'read-only',
    meaning:
      'Talos sets use_local_image_pull and discard_unpacked_layers, so that containerd asks no verifier; since 1.13 it verifies by itself (ImageVerificationConfig), which is not seen from here.',
    remedy: 'Describe the rules in an ImageVerificationConfig of the machine configuration.',
  },
  Bottlerocket: {
    osId: 'bottlerocket',
    configOwner: 'read-only',
    meaning:
      'Bottlerocket’s root is read-only, and its containerd configuration is rendered from settings; it brings a Notation image verifier of its own.',
    remedy: 'Enable its image verifier by the settings of Bottlerocket.',
  },
  'Container-Optimized OS': {
    osId: 'cos',
    configOwner: 'generated',
    meaning:
      'Container-Optimized OS has a read-only root, mounts /var and /home noexec, and resets /etc at each boot.',
    remedy:
      'Put the change into what configures the node at boot, with bin_dir where programs may be executed, such as /var/lib/docker or /var/lib/cloud.',
  },
  Flatcar: {
    osId: 'flatcar',
    configOwner: 'operator',
    meaning:
      'Flatcar starts containerd with /usr/share/containerd/config.toml, which is read-only; /etc and /opt are writable.',
    remedy:
      'Copy that file to /etc/containerd/config.toml, change the copy, and start containerd with it by a drop-in for containerd.service.',
  },
  k3s: {
    markers: ['/etc/systemd/system/k3s.service', '/etc/systemd/system/k3s-agent.service'],
    configBelow: '/var/lib/rancher/k3s/',
    configOwner: 'generated',
    meaning:
      'k3s writes containerd’s configuration at each start, with use_local_image_pull = true; containerd logs to /var/lib/rancher/k3s/agent/containerd/containerd.log, not to the journal.',
    remedy:
      'Put a drop-in into config-v3.toml.d beside the configuration if it imports that folder, else write a template config-v3.toml.tmpl of your own there, and restart k3s.',
  },
  RKE2: {
    markers: [
      '/usr/local/lib/systemd/system/rke2-server.service',
      '/usr/local/lib/systemd/system/rke2-agent.service',
      '/usr/lib/systemd/system/rke2-server.service',
      '/usr/lib/systemd/system/rke2-agent.service',
    ],
    configBelow: '/var/lib/rancher/rke2/',
    configOwner: 'generated',
    meaning:
      'RKE2 writes containerd’s configuration at each start, with use_local_image_pull = true; containerd logs to /var/lib/rancher/rke2/agent/containerd/containerd.log, not to the journal.',
    remedy:
      'Put a drop-in into config-v3.toml.d beside the configuration if it imports that folder, else write a template config-v3.toml.tmpl of your own there, and restart RKE2.',
  },
  k0s: {
    markers: ['/etc/systemd/system/k0scontroller.service', '/etc/systemd/system/k0sworker.service'],
    configBelow: '/etc/k0s/',
    configOwner: 'generated',
    meaning: 'k0s writes containerd’s configuration and merges /etc/k0s/containerd.d into it.',
    remedy: 'Put a drop-in into /etc/k0s/containerd.d; k0s takes it up by itself.',
  },
  EKS: {
    markers: ['/etc/eks', '/usr/bin/nodeadm'],
    configOwner: 'generated',
    meaning:
      'EKS’s nodeadm writes /etc/containerd/config.toml at each boot, with discard_unpacked_layers = true, and with SOCI also disable_snapshot_annotations = false.',
    remedy:
      'Set it in spec.containerd.config of the NodeConfig (user data, or a file in /etc/eks/nodeadm.d).',
  },
  GKE: {
    markers: ['/home/kubernetes/bin/kubelet', '/home/kubernetes/kubelet-config.yaml'],
    configOwner: 'generated',
    meaning:
      'GKE writes containerd’s configuration when the node is made, with discard_unpacked_layers = true, and with image streaming a lazy snapshotter.',
    remedy:
      'GKE offers no setting for it: change the file from a DaemonSet that runs on every new node, or enforce by Binary Authorization.',
  },
  AKS: {
    markers: ['/opt/azure/containers', '/etc/kubernetes/azure.json'],
    configOwner: 'generated',
    meaning:
      'AKS writes /etc/containerd/config.toml when the node is made, without a trigger on standard pools; with artifact streaming, disable_snapshot_annotations = false.',
    remedy:
      'Make the change from a DaemonSet that runs on every new node; upgrades and node image updates replace the file.',
  },
  kind: {
    markers: ['/kind/product_name', '/kind/kubeadm.conf', '/kind/manifests'],
    configOwner: 'generated',
    meaning: 'kind’s node image sets discard_unpacked_layers = true.',
    remedy: 'Set it to false by containerdConfigPatches when the cluster is created.',
  },
  kubeadm: {
    markers: ['/var/lib/kubelet/kubeadm-flags.env'],
    configOwner: 'operator',
    meaning: 'kubeadm leaves containerd’s configuration to whoever runs the node.',
    remedy: 'Change the file itself.',
  },
} as const satisfies Readonly<Record<string, PlatformRule>>;

const RULES: readonly (readonly [PlatformName, PlatformRule])[] = Object.entries(PLATFORMS).map(
  ([name, rule]) => [name as PlatformName, rule] as const,
);

/** Every path by which a platform may be told. */
export const PLATFORM_MARKERS: readonly string[] = RULES.flatMap(([, { markers = [] }]) => markers);

/** Every platform that the facts speak for; empty for one that is not known. kind is told from the kubeadm in it. */
export function detectPlatforms(facts: PlatformFacts): readonly PlatformName[] {
  const { osRelease, markers, configPath } = facts;
  const found = RULES.filter(
    ([, rule]) =>
      (rule.osId !== undefined && rule.osId === osRelease.get('ID')) ||
      rule.markers?.some((path) => markers.has(path)) === true ||
      (rule.configBelow !== undefined && configPath.startsWith(rule.configBelow)),
  ).map(([name]) => name);
  return found.includes('kind') ? found.filter((name) => name !== 'kubeadm') : found;
}

/** What a platform means. */
export function platformOf(name: PlatformName): Platform {
  return { name, ...PLATFORMS[name] };
}
