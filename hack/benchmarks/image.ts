// What nodeseal adds to the base of its image, by part, for each architecture.
import {
  type Architecture,
  buildAgentImage,
  OWN_ARCHITECTURE,
} from '../../test/support/agent-image.ts';
import { addedBytes, readArchive } from '../image/archive.ts';
import type { Benchmark, Measurement } from './measurement.ts';

/** Of which the compiled verifier is most: it has a runtime of its own, to need nothing on the host. */
export const MAX_ADDED_MB = 140;
const BYTES_PER_MB = 1_000_000;

/** The benchmark. */
export const IMAGE: Benchmark = {
  about: 'what nodeseal adds to the base image, which brings Node and glibc',
  run: async () => {
    const measurements: Measurement[] = [];
    for (const architecture of ['amd64', 'arm64'] as const) {
      measurements.push(...(await measure(architecture)));
    }
    return measurements;
  },
};

async function measure(architecture: Architecture): Promise<readonly Measurement[]> {
  // Those that the tests build.
  const file = architecture === OWN_ARCHITECTURE ? 'image.tar' : `image-${architecture}.tar`;
  const archive = await readArchive(await buildAgentImage({ architecture, file }));
  const added = addedBytes(archive);
  const total = [...added.values()].reduce((sum, bytes) => sum + bytes, 0);
  const compressed = archive.layers.at(-1)?.compressedBytes ?? 0;
  return [
    ...[...added].map(([part, bytes]) => megabytes(`${architecture}: ${part}`, bytes)),
    {
      ...megabytes(`${architecture}: all of it`, total),
      target: { bound: 'at most', value: MAX_ADDED_MB },
    },
    megabytes(`${architecture}: compressed, as it is pulled`, compressed),
  ];
}

function megabytes(what: string, bytes: number): Measurement {
  return { what, unit: 'MB', values: [bytes / BYTES_PER_MB] };
}
