// The agent comes to the node and leaves it again, both without a restart of containerd.
import { createLayout } from '../../agent/node/host/layout.ts';
import { pullImage, removeImage } from '../../agent/node/containerd/cri.ts';
import { type NodeAgent, nodeseal, SOURCE, startNodeAgent } from '../../test/support/node-agent.ts';
import type { TestNode } from '../../test/support/test-node.ts';
import type { Narrator } from './narrator.ts';
import type { Stage } from './stage.ts';

const { policyFile, verifierFile, trustStoreDir } = createLayout();
/** Everything that is ours on a host is under these, but for the ledger in /var/lib/nodeseal. */
const HOST_FOLDERS = ['/etc/containerd', '/opt'];

/** What the node was before the agent came to it. */
export interface Before {
  readonly files: readonly string[];
  readonly containerdPid: string;
}

/** Starts `nodeseal run` and lists what it put on the node. */
export async function installAgent(
  narrator: Narrator,
  { node }: Stage,
): Promise<{ readonly agent: NodeAgent; readonly before: Before }> {
  narrator.chapter('nodeseal run: verifier, policy and trust come to the node');
  const before = { files: await hostFiles(node), containerdPid: await containerdPid(node) };
  narrator.command('systemctl show --property=MainPID containerd');
  narrator.output(before.containerdPid);
  narrator.command(
    `NODESEAL_POLICY_SOURCE=${SOURCE}/policy.json NODESEAL_TRUSTSTORE_SOURCE=${SOURCE}/truststore nodeseal run`,
  );
  const agent = await startNodeAgent(node);
  narrator.claim(`it runs and is ready: ${agent.url}/readyz`, true);
  narrator.command(`find ${HOST_FOLDERS.join(' ')} -type f`);
  const added = (await hostFiles(node)).filter((path) => !before.files.includes(path));
  narrator.output(added.join('\n'));
  const expected = [verifierFile, policyFile, `${trustStoreDir}/x509/ca/acme/acme.crt`];
  const missing = expected.filter((path) => !added.includes(path));
  narrator.claim('the files are in place', missing.length === 0, `no ${missing.join(', ')}`);
  await claimNoRestart(narrator, node, before);
  return { agent, before };
}

/** Stops the agent, uninstalls, and pulls what was refused. */
export async function removeAgent(
  narrator: Narrator,
  { node, client, unsigned }: Stage,
  agent: NodeAgent,
  before: Before,
): Promise<void> {
  narrator.chapter('Goodbye: the node is as it was');
  narrator.command(`kill -TERM ${agent.pid}`);
  const { code, log } = await agent.stop();
  narrator.output(log.at(-1) ?? '');
  narrator.claim('the agent stops with exit code 0', code === 0, `${code}: ${log.join('\n')}`);
  narrator.command('nodeseal uninstall');
  const { code: left, stdout, stderr } = await nodeseal(node, 'uninstall');
  narrator.output(stdout + stderr);
  const after = await hostFiles(node);
  narrator.claim(
    'every file of ours is gone; only the ledger stays, in /var/lib/nodeseal',
    left === 0 && after.join('\n') === before.files.join('\n'),
    after.join(' '),
  );
  await claimNoRestart(narrator, node, before);
  narrator.command(`PullImage ${unsigned.tagged}`);
  // It is there by its import: a pull has to bring it again.
  await removeImage(client, unsigned.tagged);
  const id = await pullImage(client, unsigned.tagged);
  narrator.claim('the unsigned image can be pulled again', id.startsWith('sha256:'), id);
}

async function claimNoRestart(narrator: Narrator, node: TestNode, before: Before): Promise<void> {
  const found = await containerdPid(node);
  narrator.claim(
    `containerd was not restarted: still ${found}`,
    found === before.containerdPid,
    `${before.containerdPid} before`,
  );
}

async function hostFiles(node: TestNode): Promise<readonly string[]> {
  const found = await node.output(['find', ...HOST_FOLDERS, '-type', 'f']);
  return found.trimEnd().split('\n').sort();
}

async function containerdPid(node: TestNode): Promise<string> {
  return (await node.output(['systemctl', 'show', '--property=MainPID', 'containerd'])).trim();
}
