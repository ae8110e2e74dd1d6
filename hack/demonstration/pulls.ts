// What an image meets on its way to the node: by a pull, around the verifier, and what the journal says of it.
import { AgentError } from '../../agent/errors.ts';
import { pullImage } from '../../agent/node/containerd/cri.ts';
import { getImage } from '../../agent/node/containerd/images.ts';
import { createLayout } from '../../agent/node/host/layout.ts';
import { type NodeAgent, nodeseal } from '../../test/support/node-agent.ts';
import { importImage } from '../../test/support/node-images.ts';
import type { Narrator } from './narrator.ts';
import type { Stage } from './stage.ts';

const { policyFile, trustStoreDir } = createLayout();
const RPC = '/runtime.v1.ImageService/PullImage';
/** Enough to see what a verdict line is; all of it is up to 1 KiB. */
const MAX_JOURNAL_LINE = 240;

/** Pulls all three as kubelet does. */
export async function showPulls(narrator: Narrator, stage: Stage): Promise<void> {
  const { client, jws, cose, unsigned } = stage;
  narrator.chapter('Pulls, by the RPC that kubelet makes');
  for (const { tagged } of [jws, cose]) {
    narrator.command(`${RPC} ${tagged}`);
    const id = await pullImage(client, tagged);
    narrator.claim(
      'allowed, and the image is on the node',
      (await getImage(client, tagged)) !== null,
      id,
    );
  }
  narrator.command(`${RPC} ${unsigned.tagged}`);
  const text = await refusalOf(stage);
  narrator.output(text.slice(text.indexOf(RPC)));
  const isOurs = text.includes('nodeseal-verifier') && text.includes('signature_missing');
  narrator.claim('refused, and the error says by whom and why', isOurs, text);
  const record = await getImage(client, unsigned.tagged);
  narrator.claim('the image is not on the node', record === null, record?.name);
}

/** Greps the journal as people do. */
export async function showJournal(
  narrator: Narrator,
  { node, jws, cose, unsigned }: Stage,
): Promise<void> {
  const command =
    "journalctl -u containerd --no-pager --output=cat | grep -iE 'notation|signature|verify'";
  narrator.chapter('The journal: an allowed pull leaves a line too');
  narrator.command(command);
  const lines = (await node.output(['sh', '-c', command])).trimEnd().split('\n');
  for (const [decision, { tagged }] of [
    ['allow', jws],
    ['allow', cose],
    ['deny', unsigned],
  ] as const) {
    const line = lines.find(
      (each) => each.includes(`verify: ${decision}`) && each.includes(tagged),
    );
    narrator.output(line ?? lines.join('\n'), MAX_JOURNAL_LINE);
    narrator.claim(`${tagged}: ${decision}`, line !== undefined, 'no such line');
  }
}

/** Brings the unsigned image to the node without a pull. */
export async function showBypass(
  narrator: Narrator,
  stage: Stage,
  agent: NodeAgent,
): Promise<void> {
  const { registry, unsigned } = stage;
  const failed = { state: 'failed', cause: 'imported' };
  narrator.chapter('An image that comes around the verifier is found all the same');
  const before = await agent.value('nodeseal_images', failed);
  narrator.command(`ctr -n k8s.io images import image.tar   # ${unsigned.tagged}`);
  await importImage(registry, unsigned);
  narrator.claim('containerd took it in: an import asks no verifier', true);
  const counted = async () => (await agent.value('nodeseal_images', failed)) === before + 1;
  await agent.until('the imported image to be counted as failed', counted);
  const [row] = await agent.query(
    `SELECT source, decision, reason, repository FROM verdicts WHERE source = 'reverification' AND digest = '${unsigned.digest}'`,
  );
  narrator.output(JSON.stringify(row ?? {}));
  narrator.claim(
    'the agent verified it out of band and counts it as failed and imported',
    row?.['decision'] === 'deny' && row['reason'] === 'signature_missing',
    JSON.stringify(row),
  );
  narrator.command('nodeseal images');
  const { code, stdout, stderr } = await nodeseal(stage.node, 'images');
  narrator.output(stdout + stderr);
  const first = stdout.split('\n')[1] ?? '';
  const isFirst = /^failed +imported /.test(first) && first.includes(unsigned.tagged);
  narrator.claim('it leads the list of what is on the node, exit code 1', isFirst && code === 1);
}

/** The same verdicts from the command line. */
export async function showVerify(
  narrator: Narrator,
  { node, cose, unsigned }: Stage,
): Promise<void> {
  narrator.chapter('The same verdict on the command line');
  const policy = ['--policy', policyFile, '--truststore', trustStoreDir];
  for (const [image, decision, expected] of [
    [cose, 'allow', 0],
    [unsigned, 'deny', 1],
  ] as const) {
    narrator.command(`nodeseal verify ${image.tagged} ${policy.join(' ')}`);
    const { code, stdout, stderr } = await nodeseal(node, 'verify', image.tagged, ...policy);
    narrator.output(stdout + stderr);
    narrator.claim(`${decision}, exit code ${expected}`, code === expected, `exit code ${code}`);
  }
}

async function refusalOf({ client, unsigned }: Stage): Promise<string> {
  try {
    return `no error, but image ${await pullImage(client, unsigned.tagged)}`;
  } catch (error) {
    if (error instanceof AgentError && error.code === 'containerd_failed') return error.message;
    throw error;
  }
}
