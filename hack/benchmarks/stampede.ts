// Bench: how many requests a second a cluster of 5,000 nodes brings to one registry, simulated with the agent's own scheduling.
import { DEFAULT_PER_SECOND } from '../../agent/audit/reverification.ts';
import { REVERIFICATION_TIMES } from '../../agent/audit/reverification-schedule.ts';
import { type Cluster, peakLoad, simulate } from './cluster-model.ts';
import type { Benchmark, Measurement } from './measurement.ts';

const CLUSTER: Cluster = {
  nodes: 5000,
  images: 50,
  running: 20,
  // Of one signed image: the list of its signatures, a manifest and an envelope; see the bench `reverification`.
  requests: 3,
  spreadMs: REVERIFICATION_TIMES.spreadMs,
  perSecond: DEFAULT_PER_SECOND,
  outageMs: 0,
};
const HOUR_MS = 60 * 60 * 1000;
const SEEDS = [1, 2, 3];

/** Takes no real time but that of computing it. */
export const STAMPEDE: Benchmark = {
  about: `most requests a second to one registry of ${CLUSTER.nodes} nodes with ${CLUSTER.images} images each, simulated; formula: e + 4 sqrt(3 e), e = nodes x images to ask x 3 / spread in s`,
  run: () => Promise.resolve(measure()),
};

function measure(): readonly Measurement[] {
  const tenth = { ...CLUSTER, images: CLUSTER.images / 10, running: CLUSTER.running / 10 };
  const outage = { ...CLUSTER, outageMs: HOUR_MS };
  const outages = simulateEach(outage);
  return [
    ...report('roll-out, nothing known', CLUSTER, simulateEach(CLUSTER)),
    // One that refuses none of them asks nobody.
    ...report('policy change, a tenth refused', tenth, simulateEach(tenth)),
    ...report('end of an outage of an hour', outage, outages),
    { what: 'second half of that outage: peak', values: outages.map(duringOutage), unit: '1/s' },
    {
      what: 'for comparison, roll-out without a spread: peak',
      values: simulateEach({ ...CLUSTER, spreadMs: 0 }).map((seconds) => Math.max(...seconds)),
      unit: '1/s',
    },
  ];
}

type Seconds = readonly number[];

function simulateEach(cluster: Cluster): readonly Seconds[] {
  return SEEDS.map((seed) => simulate(cluster, seed));
}

function report(what: string, cluster: Cluster, loads: readonly Seconds[]): Measurement[] {
  const formula = peakLoad(cluster);
  const peaks = loads.map((seconds) =>
    Math.max(...seconds.slice(Math.floor(cluster.outageMs / 1000))),
  );
  return [
    { what: `${what}: formula`, values: [formula], unit: '1/s' },
    { what: `${what}: peak`, values: peaks, unit: '1/s' },
    {
      what: `${what}: ratio`,
      values: peaks.map((peak) => peak / formula),
      unit: 'x',
      target: { bound: 'at most', value: 1 },
    },
  ];
}

/** Once every node knows, and has failed often enough to wait longest. */
function duringOutage(seconds: Seconds): number {
  return Math.max(...seconds.slice(HOUR_MS / 2000, HOUR_MS / 1000));
}
