// Bench: how memory, ledger and start of the agent grow with the images of its node.
import { stat } from 'node:fs/promises';
import { AGENT_BINDS, SOURCE, startNodeAgent } from '../../test/support/node-agent.ts';
import { startTestRegistry } from '../../test/support/registry.ts';
import { bootTestNode, type TestNode } from '../../test/support/test-node.ts';
import { allowed, settled, startTimes } from './idle-agent.ts';
import { type Benchmark, type Measurement, median } from './measurement.ts';
import { createSignedImages, writeTrust } from './signed-images.ts';

const SIZES = [100, 1000, 3000, 10_000];
/** Of the most images, on a node under other load. */
const VERIFIED_MS = 900_000;
const STARTS = 5;
const LEDGER = '/var/lib/nodeseal/ledger.sqlite';

/** Boots a node and brings more and more images onto it. */
export const GROWTH: Benchmark = {
  about: `nodeseal run on a node with ${SIZES.join(', ')} images`,
  run: measure,
};

/** One number, at each size. */
interface Row {
  readonly what: string;
  readonly unit: Measurement['unit'];
  readonly values: readonly (readonly number[])[];
}

async function measure(): Promise<readonly Measurement[]> {
  await using node = await bootTestNode({ bindReadOnly: AGENT_BINDS });
  const registry = await startTestRegistry();
  const [memory, ledger, start]: number[][][] = [[], [], []];
  try {
    await writeTrust(node, SOURCE);
    for (const [index, size] of SIZES.entries()) {
      const from = SIZES[index - 1] ?? 0;
      await createSignedImages(node, registry, { from, count: size - from });
      const agent = await startNodeAgent(node);
      await allowed(agent, size, VERIFIED_MS);
      memory?.push((await settled(node, agent)).map(({ residentMb }) => residentMb));
      await agent.stop();
      ledger?.push([await ledgerMb(node)]);
      start?.push([...(await startTimes(node, STARTS))]);
    }
  } finally {
    await registry.close();
  }
  return [
    ...report({ what: 'resident, idle', unit: 'MB', values: memory ?? [] }),
    ...report({ what: 'ledger', unit: 'MB', values: ledger ?? [] }),
    ...report({ what: 'from start to ready', unit: 'ms', values: start ?? [] }),
  ];
}

function report({ what, unit, values }: Row): readonly Measurement[] {
  const medians = values.map(median);
  return [
    ...SIZES.map((size, index) => ({
      ...{ what: `${what}, ${size} images`, unit },
      values: values[index] ?? [],
    })),
    {
      ...{ what: `${what}: exponent`, unit: 'exponent', values: [exponent(SIZES, medians)] },
      target: { bound: 'at most', value: 1 },
      curve: { x: SIZES, y: medians },
    },
  ];
}

async function ledgerMb(node: TestNode): Promise<number> {
  const size = async (path: string) => (await stat(node.path(path)).catch(() => null))?.size ?? 0;
  return ((await size(LEDGER)) + (await size(`${LEDGER}-wal`))) / 1e6;
}

/** The `e` for which `y` is nearest to a constant times `x` to the power of `e`: the slope of the logarithms. */
export function exponent(x: readonly number[], y: readonly number[]): number {
  const [u, v] = [x.map(Math.log), y.map(Math.log)];
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanU, meanV] = [mean(u), mean(v)];
  const along = mean(u.map((value, n) => (value - meanU) * ((v[n] ?? NaN) - meanV)));
  return along / mean(u.map((value) => (value - meanU) ** 2));
}
