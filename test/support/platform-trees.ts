// What the platforms put on their nodes, as far as it bears on pulls: os-release, marker files,
// containerd's command line and configuration.
import type { FindingCode } from '../../agent/node/containerd/findings.ts';
import type { PlatformName } from '../../agent/node/containerd/platform.ts';
import type { ConfigOptions } from './containerd-config.ts';

export interface PlatformTree {
  readonly title: string;
  /** What the tree is to be taken for. */
  readonly platforms: readonly PlatformName[];
  /** Of containerd. */
  readonly version: string;
  /** `ID` of os-release. */
  readonly osId: string;
  /** Files that exist, whatever is in them. */
  readonly markers: readonly string[];
  readonly commandLine: readonly string[];
  readonly socketPath: string;
  readonly configPath: string;
  readonly config: ConfigOptions;
  /** Why pulls there pass verifiers over. */
  readonly bypasses: readonly FindingCode[];
}

const DEFAULT_PLACE = {
  commandLine: ['/usr/bin/containerd'],
  socketPath: '/run/containerd/containerd.sock',
  configPath: '/etc/containerd/config.toml',
};

type Place = Omit<PlatformTree, 'title' | 'platforms' | 'version' | 'osId' | 'markers'>;

function rancher(name: 'k3s' | 'rke2'): Place {
  const directory = `/var/lib/rancher/${name}/agent/etc/containerd`;
  const configPath = `${directory}/config.toml`;
  const socketPath = '/run/k3s/containerd/containerd.sock';
  return {
    socketPath,
    configPath,
    commandLine: ['containerd', '-c', configPath, '-a', socketPath, '--state', '/run/k3s/state'],
    config: {
      root: { imports: [`${directory}/config-v3.toml.d/*.toml`] },
      images: { use_local_image_pull: true, snapshotter: 'overlayfs' },
    },
    bypasses: ['use_local_image_pull'],
  };
}

/** One tree for each platform of the table, and some for each version of the configuration. */
export const PLATFORM_TREES: readonly PlatformTree[] = [
  {
    title: 'kubeadm with version 2',
    platforms: ['kubeadm'],
    version: '2.1.9',
    osId: 'debian',
    markers: ['/var/lib/kubelet/kubeadm-flags.env'],
    ...DEFAULT_PLACE,
    config: { version: 2, images: { sandbox_image: 'registry.k8s.io/pause:3.10' } },
    bypasses: [],
  },
  {
    title: 'kubeadm with version 3 and mirrors from before hosts.toml',
    platforms: ['kubeadm'],
    version: '2.2.7',
    osId: 'ubuntu',
    markers: ['/var/lib/kubelet/kubeadm-flags.env'],
    ...DEFAULT_PLACE,
    config: {
      images: {
        registry: { mirrors: { 'docker.io': { endpoint: ['https://mirror.example'] } } },
        max_concurrent_downloads: 10,
      },
    },
    bypasses: ['registry_mirrors', 'max_concurrent_downloads'],
  },
  {
    title: 'kubeadm with version 4',
    platforms: ['kubeadm'],
    version: '2.3.4',
    osId: 'debian',
    markers: ['/var/lib/kubelet/kubeadm-flags.env'],
    ...DEFAULT_PLACE,
    config: { version: 4 },
    bypasses: [],
  },
  {
    title: 'k3s',
    platforms: ['k3s'],
    version: 'v2.1.5-k3s1',
    osId: 'ubuntu',
    markers: ['/etc/systemd/system/k3s-agent.service'],
    ...rancher('k3s'),
  },
  {
    title: 'RKE2',
    platforms: ['RKE2'],
    version: 'v2.1.5-k3s1',
    osId: 'sles',
    markers: ['/usr/local/lib/systemd/system/rke2-agent.service'],
    ...rancher('rke2'),
  },
  {
    title: 'k0s',
    platforms: ['k0s'],
    version: '2.2.7',
    osId: 'debian',
    markers: ['/etc/systemd/system/k0sworker.service'],
    socketPath: '/run/k0s/containerd.sock',
    configPath: '/etc/k0s/containerd.toml',
    commandLine: [
      '/var/lib/k0s/bin/containerd',
      '--root=/var/lib/k0s/containerd',
      '--state=/run/k0s/containerd',
      '--address=/run/k0s/containerd.sock',
      '--config=/etc/k0s/containerd.toml',
    ],
    config: { version: 3 },
    bypasses: [],
  },
  {
    title: 'EKS with SOCI',
    platforms: ['EKS'],
    version: '2.1.9',
    osId: 'amzn',
    markers: ['/usr/bin/nodeadm', '/etc/eks/image-credential-provider/config.json'],
    ...DEFAULT_PLACE,
    config: {
      root: {
        proxy_plugins: { soci: { type: 'snapshot', address: '/run/soci-snapshotter-grpc/s.sock' } },
      },
      images: {
        discard_unpacked_layers: true,
        disable_snapshot_annotations: false,
        snapshotter: 'soci',
      },
    },
    bypasses: ['disable_snapshot_annotations', 'discard_unpacked_layers'],
  },
  {
    title: 'GKE',
    platforms: ['Container-Optimized OS', 'GKE'],
    version: '2.1.9',
    osId: 'cos',
    markers: ['/home/kubernetes/bin/kubelet'],
    ...DEFAULT_PLACE,
    config: { version: 2, images: { discard_unpacked_layers: true } },
    bypasses: ['discard_unpacked_layers'],
  },
  {
    title: 'AKS, which writes plugins of version 3 below version 2',
    platforms: ['AKS'],
    version: '2.1.9',
    osId: 'ubuntu',
    markers: ['/opt/azure/containers/provision.sh', '/etc/kubernetes/azure.json'],
    ...DEFAULT_PLACE,
    config: {
      version: 2,
      plugins: { 'io.containerd.cri.v1.images': { snapshotter: 'overlayfs' } },
    },
    bypasses: [],
  },
  {
    title: 'kind',
    platforms: ['kind'],
    version: 'v2.3.4',
    osId: 'debian',
    markers: ['/kind/kubeadm.conf', '/var/lib/kubelet/kubeadm-flags.env'],
    ...DEFAULT_PLACE,
    config: { images: { discard_unpacked_layers: true } },
    bypasses: ['discard_unpacked_layers'],
  },
  {
    title: 'Flatcar with kubeadm',
    platforms: ['Flatcar', 'kubeadm'],
    version: '2.1.9',
    osId: 'flatcar',
    markers: ['/var/lib/kubelet/kubeadm-flags.env'],
    socketPath: '/run/containerd/containerd.sock',
    configPath: '/usr/share/containerd/config.toml',
    commandLine: ['/usr/bin/containerd', '--config', '/usr/share/containerd/config.toml'],
    config: { version: 2 },
    bypasses: [],
  },
  {
    title: 'Container-Optimized OS',
    platforms: ['Container-Optimized OS'],
    version: '2.1.9',
    osId: 'cos',
    markers: [],
    ...DEFAULT_PLACE,
    config: { version: 2 },
    bypasses: [],
  },
  {
    title: 'Bottlerocket',
    platforms: ['Bottlerocket'],
    version: '2.1.9+bottlerocket',
    osId: 'bottlerocket',
    markers: [],
    ...DEFAULT_PLACE,
    config: { version: 3 },
    bypasses: [],
  },
  {
    title: 'Talos',
    platforms: ['Talos'],
    version: 'v2.1.9',
    osId: 'talos',
    markers: [],
    socketPath: '/run/containerd/containerd.sock',
    configPath: '/etc/cri/containerd.toml',
    commandLine: [
      '/bin/containerd',
      '--address',
      '/run/containerd/containerd.sock',
      '--config',
      '/etc/cri/containerd.toml',
    ],
    config: { images: { discard_unpacked_layers: true, use_local_image_pull: true } },
    bypasses: ['use_local_image_pull', 'discard_unpacked_layers'],
  },
];
