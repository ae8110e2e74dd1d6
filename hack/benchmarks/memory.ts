// Bench: what `nodeseal run` holds in memory once it has verified every image of a full node and waits for more.
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AGENT_BINDS,
  type NodeAgent,
  SOURCE,
  startNodeAgent,
} from '../../test/support/node-agent.ts';
import { startTestRegistry } from '../../test/support/registry.ts';
import { bootTestNode, type TestNode } from '../../test/support/test-node.ts';
import { type Benchmark, type Measurement } from './measurement.ts';
import { createSignedImages, writeTrust } from './signed-images.ts';

const IMAGES = 1000;
/** A node under other load takes seconds; a thousand verdicts take some more. */
const VERIFIED_MS = 120_000;
/** As Prometheus does by default. */
const SCRAPE_MS = 15_000;
/** Without work, V8 gives back what it took for it within a minute. */
const SETTLE_MS = 60_000;
const SAMPLES = 10;
const SAMPLE_MS = 1000;
const STARTS = 5;

/** Boots a node, fills it with images, looks at the agent's process, and starts it again with what is in its ledger. */
export const MEMORY: Benchmark = {
  about: `nodeseal run, idle after it verified ${IMAGES} images, and started again`,
  run: measure,
};

async function measure(): Promise<readonly Measurement[]> {
  await using node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
  const registry = await startTestRegistry();
  try {
    await writeTrust(node, SOURCE);
    await createSignedImages(node, registry, IMAGES);
    const started = performance.now();
    const agent = await startNodeAgent(node);
    await verified(agent, started);
    const verifiedMs = performance.now() - started;
    const busy = await look(node, agent);
    const idle = await settled(node, agent);
    await agent.stop();
    const ready = await starts(node);
    const target = { bound: 'at most', value: 80 } as const;
    const soon = { bound: 'at most', value: 1000 } as const;
    return [
      { what: `from start to ${IMAGES} verdicts`, values: [verifiedMs], unit: 'ms' },
      { what: 'resident after the last verdict', values: [busy.residentMb], unit: 'MB' },
      { what: 'resident, idle', values: idle.map((one) => one.residentMb), unit: 'MB', target },
      { what: 'of it not shared, idle', values: idle.map((one) => one.privateMb), unit: 'MB' },
      { what: 'most ever resident', values: [idle.at(-1)?.peakMb ?? NaN], unit: 'MB' },
      { what: 'from start to ready, all in the ledger', values: ready, unit: 'ms', target: soon },
    ];
  } finally {
    await registry.close();
  }
}

/** From before there is a process until it says that it is ready. */
async function starts(node: TestNode): Promise<readonly number[]> {
  const takenMs: number[] = [];
  while (takenMs.length < STARTS) {
    const started = performance.now();
    const agent = await startNodeAgent(node);
    takenMs.push(performance.now() - started);
    await agent.stop();
  }
  return takenMs;
}

async function verified(agent: NodeAgent, started: number): Promise<void> {
  const count = (decision: string) => agent.value('nodeseal_verdicts_total', { decision });
  for (;;) {
    const [allowed, denied] = [await count('allow'), await count('deny')];
    // An agent that did not verify would be small and worthless.
    if (denied > 0) throw new Error(`expected every image to be allowed, found ${denied} refused`);
    if (allowed >= IMAGES) return;
    if (performance.now() - started > VERIFIED_MS) {
      throw new Error(`expected ${IMAGES} verdicts in ${VERIFIED_MS} ms, found ${allowed}`);
    }
    await delay(SAMPLE_MS);
  }
}

interface Look {
  readonly residentMb: number;
  readonly privateMb: number;
  readonly peakMb: number;
}

async function settled(node: TestNode, agent: NodeAgent): Promise<readonly Look[]> {
  for (let waitedMs = 0; waitedMs < SETTLE_MS; waitedMs += SCRAPE_MS) {
    await delay(SCRAPE_MS);
    await agent.metrics();
  }
  const looks: Look[] = [];
  while (looks.length < SAMPLES) {
    await delay(SAMPLE_MS);
    looks.push(await look(node, agent));
  }
  return looks;
}

async function look(node: TestNode, { pid }: NodeAgent): Promise<Look> {
  const read = (name: string) => readFile(node.path(`/proc/${pid}/${name}`), 'utf8');
  const [status, rollup] = [await read('status'), await read('smaps_rollup')];
  const megabytes = (text: string, member: string): number => {
    const kib = new RegExp(`^${member}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1];
    if (kib === undefined) throw new Error(`process ${pid}: expected ${member}, found none`);
    return (Number(kib) * 1024) / 1e6;
  };
  return {
    residentMb: megabytes(status, 'VmRSS'),
    privateMb: megabytes(rollup, 'Private_Clean') + megabytes(rollup, 'Private_Dirty'),
    peakMb: megabytes(status, 'VmHWM'),
  };
}
