// An agent on a test node that has done its work: how far it is, what its process holds, how long its start takes.
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type NodeAgent, startNodeAgent } from '../../test/support/node-agent.ts';
import type { TestNode } from '../../test/support/test-node.ts';

/** As Prometheus does by default. */
const SCRAPE_MS = 15_000;
/** Without work, V8 gives back what it took for it within a minute. */
const SETTLE_MS = 60_000;
const SAMPLES = 10;
const SAMPLE_MS = 1000;

/** Memory of a process. */
export interface Look {
  readonly residentMb: number;
  /** What is no page of a file. */
  readonly anonymousMb: number;
  readonly peakMb: number;
}

/** Resolves once so many images are allowed; rejects when one is denied, or after `patienceMs`. */
export async function allowed(agent: NodeAgent, images: number, patienceMs: number): Promise<void> {
  const count = (decision: string) =>
    again(() => agent.value('nodeseal_verdicts_total', { source: 'reverification', decision }));
  for (const started = performance.now(); ;) {
    const [good, denied] = [await count('allow'), await count('deny')];
    // An agent that did not verify would be small and worthless.
    if (denied > 0) throw new Error(`expected every image to be allowed, found ${denied} refused`);
    if (good >= images) return;
    if (performance.now() - started > patienceMs) {
      throw new Error(`expected ${images} verdicts in ${patienceMs} ms, found ${good}`);
    }
    await delay(SAMPLE_MS);
  }
}

const TRIES = 5;

/** Asks again if it has to: connections that were kept for the next question may just have been closed. */
export async function again<T>(ask: () => Promise<T>): Promise<T> {
  for (let left = TRIES - 1; left > 0; left -= 1) {
    try {
      return await ask();
    } catch {
      // The last one tells.
    }
  }
  return ask();
}

/** Several looks at an agent that had a minute without work, scraped meanwhile. */
export async function settled(node: TestNode, agent: NodeAgent): Promise<readonly Look[]> {
  for (let waitedMs = 0; waitedMs < SETTLE_MS; waitedMs += SCRAPE_MS) {
    await delay(SCRAPE_MS);
    await again(() => agent.metrics());
  }
  const looks: Look[] = [];
  while (looks.length < SAMPLES) {
    await delay(SAMPLE_MS);
    looks.push(await look(node, agent));
  }
  return looks;
}

/** What it holds now. */
export async function look(node: TestNode, { pid }: NodeAgent): Promise<Look> {
  const read = (name: string) => readFile(node.path(`/proc/${pid}/${name}`), 'utf8');
  const [status, rollup] = [await read('status'), await read('smaps_rollup')];
  const megabytes = (text: string, member: string): number => {
    const kib = new RegExp(`^${member}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1];
    if (kib === undefined) throw new Error(`process ${pid}: expected ${member}, found none`);
    return (Number(kib) * 1024) / 1e6;
  };
  return {
    residentMb: megabytes(status, 'VmRSS'),
    anonymousMb: megabytes(rollup, 'Anonymous'),
    peakMb: megabytes(status, 'VmHWM'),
  };
}

/** Milliseconds from before there is a process until it says that it is ready, of several starts. */
export async function startTimes(node: TestNode, count: number): Promise<readonly number[]> {
  const takenMs: number[] = [];
  while (takenMs.length < count) {
    const started = performance.now();
    const agent = await startNodeAgent(node);
    takenMs.push(performance.now() - started);
    await agent.stop();
  }
  return takenMs;
}
