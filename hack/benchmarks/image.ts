// What nodeseal adds to the base of its image, by part, for each architecture.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { addedBytes, readArchive } from '../image/archive.ts';
import type { Benchmark, Measurement } from './measurement.ts';

const BUILD = resolve(import.meta.dirname, '../image/build');
const BUILD_TIMEOUT_MS = 900_000;
/** Of which the compiled verifier is most: it has a runtime of its own, to need nothing on the host. */
export const MAX_ADDED_MB = 140;
const BYTES_PER_MB = 1_000_000;

/** The benchmark. */
export const IMAGE: Benchmark = {
  about: 'what nodeseal adds to the base image, which brings Node and glibc',
  run: async () => {
    const measurements: Measurement[] = [];
    for (const architecture of ['amd64', 'arm64']) {
      measurements.push(...(await measure(architecture)));
    }
    return measurements;
  },
};

async function measure(architecture: string): Promise<readonly Measurement[]> {
  const directory = await mkdtemp(join(tmpdir(), 'nodeseal-image-'));
  try {
    const file = join(directory, 'image.tar');
    await promisify(execFile)(BUILD, ['--architecture', architecture, file], {
      timeout: BUILD_TIMEOUT_MS,
    });
    const archive = await readArchive(file);
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
  } finally {
    await rm(directory, { recursive: true });
  }
}

function megabytes(what: string, bytes: number): Measurement {
  return { what, unit: 'MB', values: [bytes / BYTES_PER_MB] };
}
