// Bench: what `nodeseal run` holds in memory once it has verified every image of a full node and waits for more.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SOURCE, startNodeAgent } from '../../test/support/node-agent.ts';
import { startTestRegistry } from '../../test/support/registry.ts';
import { bootTestNode } from '../../test/support/test-node.ts';
import { allowed, look, settled, startTimes } from './idle-agent.ts';
import type { Benchmark, Measurement } from './measurement.ts';
import { createSignedImages, writeTrust } from './signed-images.ts';
import { bindsOfUnpackedNode } from './unpacked-node.ts';

const IMAGES = 1000;
/** A node under other load takes seconds; a thousand verdicts take some more. */
const VERIFIED_MS = 120_000;
const STARTS = 5;

/** Boots a node, fills it with images, looks at the agent's process, and starts it again with what is in its ledger. */
export const MEMORY: Benchmark = {
  about: `nodeseal run, idle after it verified ${IMAGES} images, and started again`,
  run: measure,
};

async function measure(): Promise<readonly Measurement[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nodeseal-bench-'));
  try {
    return await measureWith(await bindsOfUnpackedNode(join(folder, 'node')));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measureWith(
  bindReadOnly: Readonly<Record<string, string>>,
): Promise<readonly Measurement[]> {
  await using node = await bootTestNode({ bindReadOnly });
  const registry = await startTestRegistry();
  try {
    await writeTrust(node, SOURCE);
    await createSignedImages(node, registry, { count: IMAGES });
    const started = performance.now();
    const agent = await startNodeAgent(node);
    await allowed(agent, IMAGES, VERIFIED_MS);
    const verifiedMs = performance.now() - started;
    const busy = await look(node, agent);
    const idle = await settled(node, agent);
    await agent.stop();
    const ready = await startTimes(node, STARTS);
    const target = { bound: 'at most', value: 80 } as const;
    const soon = { bound: 'at most', value: 1000 } as const;
    return [
      { what: `from start to ${IMAGES} verdicts`, values: [verifiedMs], unit: 'ms' },
      { what: 'resident after the last verdict', values: [busy.residentMb], unit: 'MB' },
      { what: 'resident, idle', values: idle.map((one) => one.residentMb), unit: 'MB', target },
      {
        what: 'of it no pages of files, idle',
        values: idle.map((one) => one.anonymousMb),
        unit: 'MB',
      },
      { what: 'most ever resident', values: [idle.at(-1)?.peakMb ?? NaN], unit: 'MB' },
      { what: 'from start to ready, all in the ledger', values: ready, unit: 'ms', target: soon },
    ];
  } finally {
    await registry.close();
  }
}
