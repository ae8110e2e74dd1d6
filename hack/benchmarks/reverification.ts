// Bench: verifying what is on a node again, against a shell loop of `notation verify`, and counted at the registry.
import { AGENT_BINDS, NODE, SOURCE, startNodeAgent } from '../../test/support/node-agent.ts';
import { startTestRegistry, type TestRegistry } from '../../test/support/registry.ts';
import { bootTestNode, type TestNode } from '../../test/support/test-node.ts';
import { LoopDelay } from './loop-delay.ts';
import { type Benchmark, type Measurement, ratios } from './measurement.ts';
import { createSignedImages, REPOSITORIES, writeTrust } from './signed-images.ts';

const IMAGES = 1000;
/** What spares a registry the agents of a cluster would be all that is measured. */
const UNBRIDLED = { NODESEAL_REVERIFY_SPREAD: '0s', NODESEAL_REVERIFY_RATE: '10000' };
/** Enough to tell how long one takes. */
const BY_NOTATION = 50;
const ROUNDS = 3;
const LEDGER = '/var/lib/nodeseal/ledger.sqlite';
const NOTATION_HOME = '/root/.config/notation';
const INTERVAL_SECONDS = 30;
/** Of a node under other load. */
const PATIENCE_MS = 120_000;
const POLL_MS = 50;

/** Boots a node, fills it with images, and has the agent verify them: cold, under another policy, and by its timer. */
export const REVERIFICATION: Benchmark = {
  about: `${IMAGES} distinct signed images of ${REPOSITORIES} repositories of a loopback registry, verified out of band, without spread`,
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
  readonly coldFromStart: number;
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
  // How the images were made is a journal of thousands of lines, which an agent would read meanwhile.
  await node.output(['journalctl', '--quiet', '--rotate', '--vacuum-files=1']);
  await writeTrust(node, SOURCE);
  const started = Date.now();
  const agent = await startNodeAgent(node, {
    NODESEAL_REVERIFY_INTERVAL: `${INTERVAL_SECONDS}s`,
    ...UNBRIDLED,
    ...delays.environment,
  });
  take(registry);
  await delays.reset(agent.pid);
  const first = await verdicts(node, IMAGES);
  const coldRequests = take(registry);
  const delayMs = await delays.p99Ms(agent.pid);
  await writeTrust(node, SOURCE, 'policy.json', 'another');
  const second = await verdicts(node, 2 * IMAGES);
  const requestsAgain = take(registry);
  await verdicts(node, 3 * IMAGES);
  const requestsByTimer = take(registry);
  await agent.stop();
  const [cold, again] = [perSecond(first), perSecond(second)];
  const coldFromStart = perSecond({ ...first, beganMs: started });
  const requests = { coldRequests, requestsAgain, requestsByTimer };
  return { cold, coldFromStart, delayMs, again, ...requests };
}

function report(runs: readonly Run[]): Measurement[] {
  const of = (member: keyof Run) => runs.map((run) => run[member]);
  const atMost = (value: number) => ({ bound: 'at most', value }) as const;
  // Of the times: those of `notation` for all images are as many times those of its loop.
  const coldRatio = ratios(of('notation'), of('cold'));
  const ratioAgain = ratios(of('notation'), of('again'));
  return [
    { what: 'notation verify, one after the other', values: of('notation'), unit: '1/s' },
    { what: 'nodeseal, nothing known: first begun to last done', values: of('cold'), unit: '1/s' },
    { what: 'ratio of time, nothing known', values: coldRatio, unit: 'x', target: atMost(0.125) },
    {
      what: 'the same from the start of the agent, installing and listing',
      ...{ values: of('coldFromStart'), unit: '1/s' },
    },
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

/** Between which moments all images were verified, in milliseconds since the epoch. */
interface Span {
  readonly beganMs: number;
  readonly endedMs: number;
}

function perSecond({ beganMs, endedMs }: Span): number {
  return (IMAGES * 1000) / (endedMs - beganMs);
}

/** Of the last verdict on each image; the agent's canary, which is refused, is a pull. */
const OUT_OF_BAND = "WHERE source = 'reverification'";
const COUNT = `SELECT coalesce(sum(count), 0) AS verdicts FROM verdict_totals ${OUT_OF_BAND}`;
const SPAN = `SELECT min(unixepoch(time, 'subsec') * 1000 - duration_ms) AS beganMs,
  max(unixepoch(time, 'subsec') * 1000) AS endedMs, max(decision) AS last,
  max(message) FILTER (WHERE decision = 'deny') AS message FROM verdicts ${OUT_OF_BAND}`;

/** Waits for so many verdicts, in the ledger: to be asked would cost the agent something. */
async function verdicts(node: TestNode, wanted: number): Promise<Span> {
  const script = `const { DatabaseSync } = require('node:sqlite');
    const ledger = new DatabaseSync('${LEDGER}', { readOnly: true, timeout: ${PATIENCE_MS} });
    const [count, span] = process.argv.slice(1).map((sql) => ledger.prepare(sql));
    const timer = setInterval(() => {
      if (count.get().verdicts < ${wanted}) return;
      clearInterval(timer);
      console.log(JSON.stringify(span.get()));
    }, ${POLL_MS});`;
  const command = [NODE, '--disable-warning=ExperimentalWarning', '-e', script, COUNT, SPAN];
  const printed = await node.output(command, { timeoutMs: PATIENCE_MS });
  const { last, message, ...span } = JSON.parse(printed) as Span & Record<string, unknown>;
  if (last === 'allow') return span;
  throw new Error(`expected no image to be denied, found ${String(message)}`);
}
