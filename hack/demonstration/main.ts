// The demonstration from its first line to its last; hack/demo makes the machine ready for it and cleans up after it.
import type { TestNode } from '../../test/support/test-node.ts';
import { installAgent, removeAgent } from './installation.ts';
import { Narrator, NotAsTold } from './narrator.ts';
import { showMetrics, startPrometheus } from './prometheus.ts';
import { showBypass, showJournal, showPulls, showVerify } from './pulls.ts';
import { bootNode, setStage } from './stage.ts';

const narrator = new Narrator();
try {
  const name = process.argv[2];
  if (name === undefined) throw new NotAsTold('Expected: the name for the node (see hack/demo).');
  const node = await bootNode(narrator, name);
  await demonstrate(node);
  narrator.command(`hack/node/stop ${name}`);
  await node.stop();
  narrator.claim('the node is powered off and removed', true);
  narrator.end('All was as told.');
} catch (error) {
  const text = error instanceof Error ? error.message : String(error);
  narrator.fail(`Not as told. ${text}`);
  process.exitCode = 1;
}
// The processes on the node that are left, if any, end with it; hack/demo sees to that.
process.exit();

async function demonstrate(node: TestNode): Promise<void> {
  const stage = await setStage(narrator, node);
  const { agent, before } = await installAgent(narrator, stage);
  const watch = await startPrometheus(narrator, stage, agent);
  await showPulls(narrator, stage);
  await showJournal(narrator, stage);
  await showBypass(narrator, stage, agent);
  await showMetrics(narrator, stage, agent, watch);
  await showVerify(narrator, stage);
  await removeAgent(narrator, stage, agent, before);
  stage.client.close();
}
