import { afterAll, beforeAll, it } from 'vitest';
import { median, ratios } from '../../../hack/benchmarks/measurement.ts';
import { inTurns, type TurnsOptions } from '../../../hack/benchmarks/pulls-in-turns.ts';
import { writeTrust } from '../../../hack/benchmarks/signed-images.ts';
import { emptyProgramMemory, pullOf, verifierMemory } from '../../../hack/benchmarks/verifier.ts';
import { AGENT_BINDS, type NodeAgent, SOURCE, startNodeAgent } from '../../support/node-agent.ts';
import { startTestRegistry, type TestRegistry } from '../../support/registry.ts';
import { bootTestNode, describeOnNode, type TestNode } from '../../support/test-node.ts';
import { expectAsRecorded } from './recorded.ts';

const IMAGES = 12;
const MUCH_SIGNED_IMAGES = 4;
const SIGNATURES = 100;
const MEMORY_ROUNDS = 5;

describeOnNode('the pull verifier, against notation verify', () => {
  let node: TestNode;
  let registry: TestRegistry;
  let agent: NodeAgent;
  let times = 0;

  /** What nobody has judged yet, also when a test is tried again. */
  const images = (count: number, signed = {}) => {
    times += 1;
    return Array.from({ length: count }, (_, n) =>
      pullOf(registry, `bench-${times}/app-${n}`, times * count + n, registry.host, signed),
    );
  };
  const compare = async (when: string, pulls: ReturnType<typeof images>, how?: TurnsOptions) => {
    const { notationMs, verifierMs } = await inTurns(node, pulls, how);
    expectAsRecorded('verifier', `ratio, ${when}`, ratios(verifierMs, notationMs));
  };
  const compareMemory = async (when: string) => {
    const [pull] = images(1);
    if (pull === undefined) throw new TypeError('no image');
    const empty = median(await emptyProgramMemory(node, MEMORY_ROUNDS));
    const held = await verifierMemory(node, pull, MEMORY_ROUNDS);
    expectAsRecorded(
      'verifier',
      `ratio of memory, ${when}`,
      held.map((mb) => mb / empty),
    );
  };

  beforeAll(async () => {
    node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
    registry = await startTestRegistry();
    await writeTrust(node, SOURCE);
    await writeTrust(node, '/root/.config/notation', 'trustpolicy.json');
    agent = await startNodeAgent(node);
  });

  afterAll(async () => {
    await registry.close();
    await node.stop();
  });

  it('takes as long as recorded the first time', () =>
    compare('agent up, first time', images(IMAGES)));

  it('takes as long as recorded for a digest that was judged before', () =>
    compare('agent up, judged before', images(IMAGES), { warm: 'all' }));

  it.each([
    ['last', SIGNATURES - 1],
    ['first', 0],
  ])('takes as long as recorded when of many signatures the %s is good', (which, good) => {
    const signed = { signatures: SIGNATURES, good };
    return compare(`${SIGNATURES} signatures, ${which} good`, images(MUCH_SIGNED_IMAGES, signed));
  });

  it('holds as much memory as recorded', () => compareMemory('agent up'));

  describeOnNode('without the agent', () => {
    beforeAll(async () => {
      await agent.stop();
    });

    it('takes as long as recorded', () => compare('agent down', images(IMAGES)));

    it('holds as much memory as recorded', () => compareMemory('agent down'));
  });
});
