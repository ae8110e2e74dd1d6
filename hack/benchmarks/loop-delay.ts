// How far the event loop of an agent is behind: measured within it, by a module that Node loads before it.
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestNode } from '../../test/support/test-node.ts';

const PROBE = '/srv/bench/probe.mjs';
const REPORT = '/srv/bench/delay';
const WAIT_MS = 10_000;
const POLL_MS = 20;

/** A turn of the loop is looked for each millisecond; what one takes longer is its delay. */
const SOURCE = `
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
const RESOLUTION_MS = 1;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();
process.on('SIGUSR2', () => {
  writeFileSync('${REPORT}.new', String(delay.percentile(99) / 1e6 - RESOLUTION_MS));
  delay.reset();
  renameSync('${REPORT}.new', '${REPORT}');
});
`;

/** For agents of one node, one after the other. */
export class LoopDelay {
  /** What an agent is to be started with. */
  readonly environment: Readonly<Record<string, string>> = { NODE_OPTIONS: `--import=${PROBE}` };
  readonly #node: TestNode;

  private constructor(node: TestNode) {
    this.#node = node;
  }

  /** Brings the probe onto a node. */
  static async on(node: TestNode): Promise<LoopDelay> {
    await node.writeFile(PROBE, SOURCE);
    return new LoopDelay(node);
  }

  /** Forgets what was until now. */
  async reset(pid: number): Promise<void> {
    await this.p99Ms(pid);
  }

  /** What 99 % of the delays since the last call did not exceed. */
  async p99Ms(pid: number): Promise<number> {
    await this.#node.output(['rm', '-f', REPORT]);
    await this.#node.output(['kill', '-USR2', String(pid)]);
    for (let waitedMs = 0; waitedMs < WAIT_MS; waitedMs += POLL_MS) {
      const text = await readFile(this.#node.path(REPORT), 'utf8').catch(() => '');
      if (text !== '') return Number(text);
      await delay(POLL_MS);
    }
    throw new Error(`process ${pid}: expected it to tell its delays within ${WAIT_MS} ms`);
  }
}
