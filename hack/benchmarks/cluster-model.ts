// A cluster that re-verifies, as a model: the agent's own scheduling, and nothing else of it; no real time passes.
import { RegistryPace } from '../../agent/audit/registry-pace.ts';
import { askTime } from '../../agent/audit/reverification-schedule.ts';
import { EventQueue } from './event-queue.ts';

/** Nodes that are all alike, and one registry. */
export interface Cluster {
  readonly nodes: number;
  /** On each node: those that need the registry. */
  readonly images: number;
  /** Of them those that run. */
  readonly running: number;
  /** To the registry for one image. */
  readonly requests: number;
  readonly spreadMs: number;
  /** Images of one node that may ask within a second. */
  readonly perSecond: number;
  /** From the beginning, all nodes being told to ask in the same moment; 0: no outage. */
  readonly outageMs: number;
}

const REGISTRY = 'registry';
const DOWN = { reason: 'registry_unreachable', message: 'down' } as const;

/** The requests of each second, until every image has its verdict. The same for the same seed. */
export function simulate(cluster: Cluster, seed: number): readonly number[] {
  const { nodes, images, running, requests, spreadMs, outageMs } = cluster;
  const random = createRandom(seed);
  const paces = Array.from({ length: nodes }, () => new RegistryPace(cluster.perSecond));
  const queue = new EventQueue();
  const share = { images, running };
  const awaitTurn = (image: number, from: Date): void => {
    const isRunning = image % images < running;
    queue.add(askTime(from, isRunning, share, random(), spreadMs).getTime(), image);
  };
  for (let image = 0; image < nodes * images; image++) awaitTurn(image, new Date(0));
  const perSecond: number[] = [];
  const count = (atMs: number, more: number): void => {
    const second = Math.floor(atMs / 1000);
    while (perSecond.length <= second) perSecond.push(0);
    perSecond[second] = (perSecond[second] ?? 0) + more;
  };
  for (let next = queue.take(); next !== undefined; next = queue.take()) {
    const { atMs, id: image } = next;
    const pace = paces[Math.floor(image / images)];
    if (pace === undefined) throw new RangeError(`image ${image}: no such node`);
    const pause = pace.pause(REGISTRY, new Date(atMs));
    if (pause !== null) {
      awaitTurn(image, pause.until);
      continue;
    }
    const asked = new Date(atMs + pace.takeTurn(REGISTRY, new Date(atMs)));
    if (asked.getTime() >= outageMs) {
      count(asked.getTime(), requests);
      pace.answered(REGISTRY);
      continue;
    }
    count(asked.getTime(), 1);
    const { until } = pace.failed(REGISTRY, DOWN, { asked, now: asked }, random());
    queue.add(until.getTime(), image);
  }
  return perSecond;
}

/** Chance puts more into some second than into others; four standard deviations are rarely exceeded. */
const DEVIATIONS = 4;

/**
 * The most requests that a second has, by formula: as many as if they came evenly over the spread,
 * nodes x images x requests / spread, and what chance adds. The requests of one image come together.
 */
export function peakLoad({ nodes, images, requests, spreadMs }: Cluster): number {
  const even = (nodes * images * requests * 1000) / spreadMs;
  return even + DEVIATIONS * Math.sqrt(requests * even);
}

/** Mulberry32, by Tommy Ettinger, in the public domain: small, and good enough for a queue. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
