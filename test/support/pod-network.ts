// A network for pods on a test node that reaches the API server and nothing else: there need be no bridge on the machine.
import type { TestCluster } from './test-cluster.ts';
import type { TestNode } from './test-node.ts';

const DIRECTORY = '/srv/pod-network';
const NODE = '/usr/local/bin/node';
const SOCKET = '/run/pod-network.sock';

// As pods find the API server: on loopback, which is another one in a network of their own. A socket of
// the file system reaches from there to here. Arguments: where to listen, where to connect.
const FORWARD = `
import { connect, createServer } from 'node:net';
const [from, to] = process.argv.slice(2).map((text) => JSON.parse(text));
createServer((near) => {
  const far = connect(to);
  for (const [one, other] of [[near, far], [far, near]]) one.on('error', () => other.destroy());
  near.pipe(far).pipe(near);
}).listen(from);
`;

/** A CNI plugin, which also stands for `loopback`. The address is only told: nobody asks for it. */
const plugin = (tcp: string): string => `#!/bin/sh
set -eu
version=$(jq -r .cniVersion)
if [ "$CNI_COMMAND" = ADD ]; then
  nsenter --net="$CNI_NETNS" ip link set lo up
  if [ "\${0##*/}" != loopback ]; then
    setsid nsenter --net="$CNI_NETNS" ${NODE} ${DIRECTORY}/forward.mjs '${tcp}' '{"path":"${SOCKET}"}' </dev/null >/dev/null 2>&1 &
  fi
fi
printf '{"cniVersion":"%s","interfaces":[{"name":"%s","sandbox":"%s"}],"ips":[{"interface":0,"address":"10.77.0.2/24"}]}' \\
  "$version" "$CNI_IFNAME" "$CNI_NETNS"
`;

/** Installs it; what it starts ends with the node. */
export async function installPodNetwork(node: TestNode, cluster: TestCluster): Promise<void> {
  const tcp = JSON.stringify(cluster.server);
  await node.writeFile(`${DIRECTORY}/forward.mjs`, FORWARD);
  for (const name of ['loopback', 'test-network']) {
    await node.writeFile(`/opt/cni/bin/${name}`, plugin(tcp), 0o755);
  }
  const list = { cniVersion: '1.0.0', name: 'test', plugins: [{ type: 'test-network' }] };
  await node.writeFile('/etc/cni/net.d/10-test.conflist', JSON.stringify(list));
  node.spawn([NODE, `${DIRECTORY}/forward.mjs`, JSON.stringify({ path: SOCKET }), tcp]);
}
