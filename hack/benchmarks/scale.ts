// Bench: how many requests a second clusters of 10, 500 and 5,000 nodes bring to one registry,
// simulated with the agent's own scheduling.
import { DEFAULT_PER_SECOND } from '../../agent/audit/reverification.ts';
import { REVERIFICATION_TIMES } from '../../agent/audit/reverification-schedule.ts';
import { EVIDENCE_LIMITS } from '../../agent/verifier/evidence/limits.ts';
import {
  END_OF_CRL,
  END_OF_CRL_OUTAGE,
  type Happening,
  LATE_CRL,
  OUTAGE,
  POLICY_CHANGE,
  ROLL_OUT,
} from './cluster-happenings.ts';
import { type Cluster, peakLoad, simulate } from './cluster-model.ts';
import type { Benchmark, Curve, Measurement } from './measurement.ts';

/** Sizes of the cluster. */
export const NODES = [10, 500, 5000];
const IMAGES = 200;
const RUNNING = 80;
/** Of one signed image: the list of its signatures, a manifest and an envelope; see the bench `requests`. */
const REQUESTS = 3;
/** For a CRL whose server does not answer: once more after a minute, and then no more within the spread. */
const CRL_REQUESTS = 2;
/** How many of these pass before a plot has its next point. */
const POINT_SECONDS = 30;

/** What happens, and which part of the images need the registry. */
const HAPPENINGS: readonly (readonly [Happening, number])[] = [
  [ROLL_OUT, 1],
  [POLICY_CHANGE, 0.1],
  [END_OF_CRL, 0],
  [LATE_CRL, 0],
  [END_OF_CRL_OUTAGE, 1],
  [OUTAGE, 1],
];

/** Takes no real time but that of computing it. */
export const SCALE: Benchmark = {
  about: `most requests a second of clusters with ${IMAGES} images on each node, simulated; formula: e + 4 sqrt(${REQUESTS} e) + ${3 * REQUESTS}, e = nodes x images to ask x ${REQUESTS} / spread in s`,
  run: measure,
};

async function measure(): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = [];
  for (const [happening, part] of HAPPENINGS) {
    for (const nodes of NODES) measurements.push(...(await measureOne(happening, part, nodes)));
  }
  return measurements;
}

async function measureOne(
  happening: Happening,
  part: number,
  nodes: number,
): Promise<readonly Measurement[]> {
  const cluster = clusterOf(nodes);
  const load = await simulate(cluster, happening, nodes);
  const what = `${happening.name}, ${nodes} nodes`;
  const peak = Math.max(0, ...load.registry);
  const formula = peakLoad({ ...cluster, images: IMAGES * part });
  const crls = Math.max(0, ...load.crl);
  return [
    {
      ...{ what: `${what}: most`, unit: '1/s', values: [peak] },
      curve: curveOf(load.registry, happening.forMs),
    },
    {
      ...{ what: `${what}: against the formula`, unit: 'x' },
      values: [formula === 0 ? peak : peak / formula],
      target: { bound: 'at most', value: 1 },
    },
    ...(happening.crl === undefined ? [] : crlMeasurements(what, nodes, crls)),
  ];
}

/** Nodes ask for it as registries are asked for images, but each only for the one, and twice where there is no answer. */
function crlMeasurements(what: string, nodes: number, most: number): readonly Measurement[] {
  const spreadMs = EVIDENCE_LIMITS.lateMs;
  const formula = peakLoad({ ...clusterOf(nodes), images: 1, requests: CRL_REQUESTS, spreadMs });
  return [
    { what: `${what}: most, for the CRL`, unit: '1/s', values: [most] },
    {
      ...{ what: `${what}: for the CRL, against the formula`, unit: 'x' },
      values: [most / formula],
      target: { bound: 'at most', value: 1 },
    },
  ];
}

function clusterOf(nodes: number): Cluster {
  return {
    ...{ nodes, images: IMAGES, running: RUNNING, requests: REQUESTS },
    ...{ spreadMs: REVERIFICATION_TIMES.spreadMs, perSecond: DEFAULT_PER_SECOND },
  };
}

/** The most of every half minute. */
function curveOf(perSecond: readonly number[], forMs: number): Curve {
  const starts = Array.from({ length: forMs / 1000 / POINT_SECONDS }, (_, n) => n * POINT_SECONDS);
  return {
    x: starts,
    y: starts.map((from) => Math.max(0, ...perSecond.slice(from, from + POINT_SECONDS))),
  };
}
