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
import { again } from './idle-agent.ts';
import { LoopDelay } from './loop-delay.ts';
import { type Benchmark, type Measurement, ratios } from './measurement.ts';
import { createSignedImages, REPOSITORIES, writeTrust } from './signed-images.ts';

/** So many that the rate is that of the agent's work, not of the second over which it spreads them here. */
const IMAGES = 1000;
/** Enough to tell how long one takes. */
const BY_NOTATION = 50;
const ROUNDS = 3;
const LEDGER = '/var/lib/nodeseal/ledger.sqlite';
const NOTATION_HOME = '/root/.config/notation';
const INTERVAL_SECONDS = 30;
/** Of a node under other load. */
const PATIENCE_MS = 120_000;
/** To be asked costs the agent something, too. */
const POLL_MS = 1000;

/** Boots a node, fills it with images, and has the agent verify them: cold, under other policies, by its timer, and after a restart. */
export const REVERIFICATION: Benchmark = {
  about: `${IMAGES} distinct signed images of ${REPOSITORIES} repositories of a loopback registry, verified out of band`,
  run: measure,
};

async function measure(): Promise<readonly Measurement[]> {
  await using node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
  const registry = await startTestRegistry();
  try {
    await writeTrust(node, SOURCE);
    await writeTrust(node, NOTATION_HOME, 'trustpolicy.json');
    const images = await createSignedImages(node, registry, { count: IMAGES });
    const delays = await LoopDelay.on(node);
    const runs: Run[] = [];
    while (runs.length < ROUNDS) {
      const notation = await byNotation(node, images.slice(0, BY_NOTATION));
      runs.push({ notation, ...(await byAgent(node, registry, delays)) });
    }
    return report(runs);
  } finally {
    await registry.close();
  }
}

/** Images a second, and requests. */
interface Run {
  readonly notation: number;
  readonly cold: number;
  readonly coldRequests: number;
  readonly delayMs: number;
  readonly again: number;
  readonly requestsAgain: number;
  readonly requestsByTimer: number;
}

/** An agent that knows nothing, to its end. */
async function byAgent(
  node: TestNode,
  registry: TestRegistry,
  delays: LoopDelay,
): Promise<Omit<Run, 'notation'>> {
  await node.output(['sh', '-euc', `rm -f ${LEDGER} ${LEDGER}-*`]);
  await writeTrust(node, SOURCE);
  const agent = await startNodeAgent(node, {
    NODESEAL_REVERIFY_INTERVAL: `${INTERVAL_SECONDS}s`,
    ...delays.environment,
  });
  take(registry);
  await delays.reset(agent.pid);
  const verdicts = new Verdicts(agent);
  const cold = await verdicts.next();
  const coldRequests = take(registry);
  const delayMs = await delays.p99Ms(agent.pid);
  await writeTrust(node, SOURCE, 'policy.json', 'another');
  const again = await verdicts.next();
  const requestsAgain = take(registry);
  await verdicts.next();
  const requestsByTimer = take(registry);
  await agent.stop();
  return { cold, coldRequests, delayMs, again, requestsAgain, requestsByTimer };
}

function report(runs: readonly Run[]): Measurement[] {
  const of = (member: keyof Run) => runs.map((run) => run[member]);
  const atMost = (value: number) => ({ bound: 'at most', value }) as const;
  // Of the times: those of `notation` for all images are as many times those of its loop.
  const coldRatio = ratios(of('notation'), of('cold'));
  const ratioAgain = ratios(of('notation'), of('again'));
  return [
    { what: 'notation verify, one after the other', values: of('notation'), unit: '1/s' },
    { what: 'nodeseal, nothing known', values: of('cold'), unit: '1/s' },
    { what: 'ratio of time, nothing known', values: coldRatio, unit: 'x', target: atMost(0.125) },
    { what: 'nodeseal, again', values: of('again'), unit: '1/s' },
    { what: 'ratio of time, again', values: ratioAgain, unit: 'x', target: atMost(0.05) },
    {
      what: 'to the registry for one image, nothing known',
      values: of('coldRequests').map((requests) => requests / IMAGES),
      unit: 'requests',
    },
    {
      what: 'event loop behind meanwhile, 99 %',
      ...{ values: of('delayMs'), unit: 'ms', target: atMost(20) },
    },
    {
      what: 'after a change of policy',
      ...{ values: of('requestsAgain'), unit: 'requests', target: atMost(0) },
    },
    {
      what: 'by the timer',
      ...{ values: of('requestsByTimer'), unit: 'requests', target: atMost(0) },
    },
  ];
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

/** Its canary, which is refused, is a pull. */
const VERIFIED = { source: 'reverification', decision: 'allow' };
const REFUSED = { ...VERIFIED, decision: 'deny' };

/** Waits for one verdict on each image after the other. */
class Verdicts {
  readonly #agent: NodeAgent;
  #seen = 0;

  constructor(agent: NodeAgent) {
    this.#agent = agent;
  }

  /** Waits until there is another verdict on every image; images a second from the first to the last. */
  async next(): Promise<number> {
    const wanted = this.#seen + IMAGES;
    for (const started = performance.now(); ;) {
      const [found, denied] = [await this.#count(VERIFIED), await this.#count(REFUSED)];
      if (denied > 0)
        throw new Error(`expected no image to be denied, found ${await this.#denied()}`);
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

  #count(labels: Readonly<Record<string, string>>): Promise<number> {
    return again(() => this.#agent.value('nodeseal_verdicts_total', labels));
  }

  async #denied(): Promise<string> {
    const [row] = await this.#agent.query(
      "SELECT * FROM verdicts WHERE decision = 'deny' AND source = 'reverification' LIMIT 1",
    );
    return JSON.stringify(row);
  }

  async #perSecond(): Promise<number> {
    const [row] = await this.#agent.query(
      "SELECT min(time) AS first, max(time) AS last FROM verdicts WHERE source = 'reverification'",
    );
    const elapsedMs = Date.parse(String(row?.['last'])) - Date.parse(String(row?.['first']));
    return (IMAGES * 1000) / elapsedMs;
  }
}
