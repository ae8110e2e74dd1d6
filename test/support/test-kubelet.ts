// A real kubelet on a test node, which joins a test cluster.
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { TestCluster } from './test-cluster.ts';
import type { TestNode } from './test-node.ts';

const BUILD = fileURLToPath(new URL('../../hack/cluster/build', import.meta.url));
const PROGRAMS = '/usr/local/lib/cluster';
const DIRECTORY = '/etc/kubernetes';

/** Pass to `bootTestNode`: the programs of the cluster. */
export function kubeletBinds(): Readonly<Record<string, string>> {
  return { [execFileSync(BUILD, { encoding: 'utf8' }).trim()]: PROGRAMS };
}

// What kubelet would have of every machine's kernel, as files: this machine's own stays as it is. And there
// is no kernel log in a node.
const START = `
mkdir -p /run/kernel-settings
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \\
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  file=/run/kernel-settings/$(echo "\${setting%=*}" | tr / .)
  echo "\${setting#*=}" >"$file"
  mount --bind "$file" "/proc/sys/\${setting%=*}"
done
[ -e /dev/kmsg ] || ln -s /dev/null /dev/kmsg
exec "$@"`;

// Without cgroups of its own for pods: not every machine that runs these tests has each controller.
const CONFIGURATION = {
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: `${DIRECTORY}/ca.crt` },
  },
  authorization: { mode: 'Webhook' },
  address: '127.0.0.1',
  readOnlyPort: 0,
  healthzPort: 0,
  cgroupDriver: 'cgroupfs',
  cgroupsPerQOS: false,
  enforceNodeAllocatable: [],
  failCgroupV1: false,
  failSwapOn: false,
  makeIPTablesUtilChains: false,
  localStorageCapacityIsolation: false,
  oomScoreAdj: 0,
  resolvConf: '',
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  // Tests wait for what it does.
  nodeStatusUpdateFrequency: '2s',
  syncFrequency: '2s',
};

/** Starts it under the node's name; it ends with the node. Returns what it wrote so far. */
export async function startKubelet(
  node: TestNode,
  cluster: TestCluster,
  port: number,
): Promise<() => string> {
  cluster.issue('kubelet', `/O=system:nodes/CN=system:node:${node.name}`);
  for (const name of ['ca.crt', 'kubelet.crt', 'kubelet.key']) {
    await node.writeFile(`${DIRECTORY}/${name}`, await readFile(cluster.file(name)), 0o600);
  }
  await node.writeFile(`${DIRECTORY}/kubelet.conf`, JSON.stringify(kubeconfig(cluster)));
  await node.writeFile(`${DIRECTORY}/kubelet.yaml`, JSON.stringify({ ...CONFIGURATION, port }));
  const child = node.spawn([
    ...['sh', '-euc', START, 'kubelet', `${PROGRAMS}/kubelet`],
    ...['--config', `${DIRECTORY}/kubelet.yaml`, '--kubeconfig', `${DIRECTORY}/kubelet.conf`],
    ...['--hostname-override', node.name],
  ]);
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (piece: Buffer) => (log += piece.toString()));
  }
  return () => log;
}

function kubeconfig({ server: { host, port } }: TestCluster): object {
  const files = (name: string) => `${DIRECTORY}/${name}`;
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'test',
        cluster: { server: `https://${host}:${port}`, 'certificate-authority': files('ca.crt') },
      },
    ],
    users: [
      {
        name: 'kubelet',
        user: {
          'client-certificate': files('kubelet.crt'),
          'client-key': files('kubelet.key'),
        },
      },
    ],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'kubelet' } }],
    'current-context': 'test',
  };
}
