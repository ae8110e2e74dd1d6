// Bench: verifying what is on a node again, against a shell loop of `notation verify`, and counted at the registry.
import { setTimeout as delay } from 'node:timers/promises';
import {
  AGENT_BINDS,
  type NodeAgent,
  SOURCE,
  startNodeAgent,
} from '../../test/support/node-agent.ts';
import { startTestRegistry, type TestRegistry } from '../../test/support/registry.ts';
import { bootTestNode, type TestNode } from '../../test/support/test-node.ts';
import { LoopDelay } from './loop-delay.ts';
import type { Benchmark, Measurement } from './measurement.ts';
import { createSignedImages, writeTrust } from './signed-images.ts';

/** So many that the rate is that of the agent's work, not of the second over which it spreads them here. */
const IMAGES = 1000;
/** Enough to tell how long one takes. */
const BY_NOTATION = 60;
const NOTATION_HOME = '/root/.config/notation';
const INTERVAL_SECONDS = 30;
/** Of a node under other load. */
const PATIENCE_MS = 120_000;
/** To be asked costs the agent something, too. */
const POLL_MS = 1000;

/** Boots a node, fills it with images, and has the agent verify them: cold, under another policy, by its timer, and after a restart. */
export const REVERIFICATION: Benchmark = {
  about: `${IMAGES} distinct signed images of a loopback registry, verified out of band`,
  run: measure,
};

async function measure(): Promise<readonly Measurement[]> {
  await using node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
  const registry = await startTestRegistry();
  try {
    await writeTrust(node, SOURCE);
    await writeTrust(node, NOTATION_HOME, 'trustpolicy.json');
    const images = await createSignedImages(node, registry, IMAGES);
    const notation = await byNotation(node, images.slice(0, BY_NOTATION));
    const delays = await LoopDelay.on(node);
    const settings = {
      NODESEAL_REVERIFY_INTERVAL: `${INTERVAL_SECONDS}s`,
      ...delays.environment,
    };
    take(registry);
    const agent = await startNodeAgent(node, settings);
    await delays.reset(agent.pid);
    const verdicts = new Verdicts(agent);
    const cold = await verdicts.next();
    const coldRequests = take(registry);
    const delayMs = await delays.p99Ms(agent.pid);
    await writeTrust(node, SOURCE, 'policy.json', 'another');
    const warm = await verdicts.next();
    const afterChange = take(registry);
    await verdicts.next();
    const byTimer = take(registry);
    await agent.stop();
    // A registry that is down is not missed.
    await registry.close();
    await writeTrust(node, SOURCE, 'policy.json', 'a third');
    const restarted = await startNodeAgent(node, settings);
    await new Verdicts(restarted, await countOf(restarted)).next();
    await restarted.stop();
    const none = { bound: 'at most', value: 0 } as const;
    return [
      { what: 'notation verify, one after the other', values: [notation], unit: '1/s' },
      { what: 'nodeseal, cold', values: [cold], unit: '1/s' },
      {
        what: 'ratio',
        values: [cold / notation],
        unit: 'x',
        target: { bound: 'at least', value: 8 },
      },
      {
        what: 'to the registry for one image, cold',
        values: [coldRequests / IMAGES],
        unit: 'requests',
      },
      {
        what: 'event loop behind meanwhile, 99 %',
        values: [delayMs],
        unit: 'ms',
        target: { bound: 'at most', value: 20 },
      },
      { what: 'nodeseal, after a change of policy', values: [warm], unit: '1/s' },
      { what: 'after a change of policy', values: [afterChange], unit: 'requests', target: none },
      { what: 'by the timer', values: [byTimer], unit: 'requests', target: none },
    ];
  } finally {
    await registry.close();
  }
}

/** Images a second. */
async function byNotation(node: TestNode, images: readonly string[]): Promise<number> {
  const script = `start=$EPOCHREALTIME
    for image; do notation verify --insecure-registry "$image" >/dev/null 2>&1; done
    end=$EPOCHREALTIME
    echo $((\${end/./} - \${start/./}))`;
  const [first] = images;
  if (first === undefined) throw new TypeError('no image');
  // A loop of refusals would be fast and worthless.
  await node.output(['notation', 'verify', '--insecure-registry', first]);
  const printed = await node.output(['bash', '-euc', script, 'loop', ...images], {
    timeoutMs: PATIENCE_MS,
  });
  return (images.length * 1e6) / Number(printed);
}

/** How many requests there were since. */
function take(registry: TestRegistry): number {
  return registry.requests.splice(0).length;
}

function countOf(agent: NodeAgent): Promise<number> {
  return agent.value('nodeseal_verdicts_total', { source: 'reverification', decision: 'allow' });
}

/** Waits for one verdict on each image after the other. */
class Verdicts {
  readonly #agent: NodeAgent;
  #seen: number;

  constructor(agent: NodeAgent, seen = 0) {
    this.#agent = agent;
    this.#seen = seen;
  }

  /** Waits until there is another verdict on every image; images a second from the first to the last. */
  async next(): Promise<number> {
    const wanted = this.#seen + IMAGES;
    for (const started = performance.now(); ;) {
      const found = await countOf(this.#agent);
      const denied = await this.#agent.value('nodeseal_verdicts_total', { decision: 'deny' });
      if (denied > 0) throw new Error(`expected every image to be allowed, found ${denied} denied`);
      if (found >= wanted) {
        this.#seen = found;
        return this.#perSecond();
      }
      if (performance.now() - started > PATIENCE_MS) {
        throw new Error(`expected ${wanted} verdicts in ${PATIENCE_MS} ms, found ${found}`);
      }
      await delay(POLL_MS);
    }
  }

  async #perSecond(): Promise<number> {
    const [row] = await this.#agent.query(
      "SELECT min(time) AS first, max(time) AS last FROM verdicts WHERE source = 'reverification'",
    );
    const elapsedMs = Date.parse(String(row?.['last'])) - Date.parse(String(row?.['first']));
    return (IMAGES * 1000) / elapsedMs;
  }
}
