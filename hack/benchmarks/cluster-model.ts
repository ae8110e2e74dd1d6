// A cluster that re-verifies, as a model: the agent's own looks at images, schedules, paces and caches of evidence, with
// made-up answers, on a clock of its own; no real time passes.
import type { Clock } from '../../agent/audit/clock.ts';
import { RegistryPace } from '../../agent/audit/registry-pace.ts';
import { Look, type LookParts } from '../../agent/audit/reverification-look.ts';
import {
  nextReverification,
  REVERIFICATION_TIMES,
} from '../../agent/audit/reverification-schedule.ts';
import type { DueImage, Generation, Schedule } from '../../agent/audit/reverifications.ts';
import { EvidenceCache, type KeptEvidence } from '../../agent/verifier/evidence/evidence-cache.ts';
import { EVIDENCE_LIMITS } from '../../agent/verifier/evidence/limits.ts';
import { createEvidence, crlUntil, type Happening, verdictOn } from './cluster-happenings.ts';
import { EventQueue } from './event-queue.ts';

/** Nodes that are all alike, and one registry. */
export interface Cluster {
  readonly nodes: number;
  /** On each node. */
  readonly images: number;
  /** Of them those that run. */
  readonly running: number;
  /** To the registry for one image. */
  readonly requests: number;
  readonly spreadMs: number;
  /** Images of one node that may ask within a second. */
  readonly perSecond: number;
}

/** The requests of each second from the moment on in which it happens to all nodes. */
export interface Load {
  readonly registry: readonly number[];
  /** To where the CRL is. */
  readonly crl: readonly number[];
}

/** What the agent of a node is made of here. */
interface Node {
  readonly parts: LookParts;
  readonly crls: EvidenceCache<KeptEvidence>;
}

const GENERATION: Generation = { policyHash: 'policy', trustHash: 'trust' };
const REPOSITORY = 'registry/app';
const DIGEST = `sha256:${'ab'.repeat(32)}` as const;
const DESCRIPTOR = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: DIGEST,
  size: 1,
};
const CRL = 'the only one';

/** For as long as the happening is looked at. The same for the same seed. */
export async function simulate(
  cluster: Cluster,
  happening: Happening,
  seed: number,
): Promise<Load> {
  const simulation = new Simulation(cluster, happening, createRandom(seed));
  await simulation.run();
  return simulation.load;
}

class Simulation {
  readonly load = { registry: [] as number[], crl: [] as number[] };
  readonly #cluster: Cluster;
  readonly #happening: Happening;
  readonly #random: () => number;
  readonly #queue = new EventQueue();
  readonly #nodes: readonly Node[];
  /** By image: what the ledger would say. */
  readonly #asksSince: Float64Array;
  readonly #attempts: Uint32Array;
  readonly #never = new AbortController().signal;
  /** The one that is looked at. */
  #image = 0;
  #nowMs = 0;

  constructor(cluster: Cluster, happening: Happening, random: () => number) {
    const all = cluster.nodes * cluster.images;
    this.#cluster = cluster;
    this.#happening = happening;
    this.#random = random;
    this.#asksSince = new Float64Array(all).fill(NaN);
    this.#attempts = new Uint32Array(all);
    this.#nodes = Array.from({ length: cluster.nodes }, () => this.#createNode());
  }

  async run(): Promise<void> {
    const { forMs } = this.#happening;
    await this.#begin();
    for (let next = this.#queue.take(); next !== undefined; next = this.#queue.take()) {
      if (next.atMs >= forMs) return;
      this.#nowMs = next.atMs;
      this.#image = next.id;
      const node = this.#nodes[Math.floor(next.id / this.#cluster.images)];
      if (node === undefined) throw new RangeError(`image ${next.id}: no such node`);
      await new Look(this.#dueImage(next.atMs), node.parts).run(this.#never);
    }
  }

  /** Images are due at once; but those that were judged by a CRL when the agent would look at them again. */
  async #begin(): Promise<void> {
    const { crl } = this.#happening;
    const now = new Date(this.#nowMs);
    for (const [n, { crls }] of this.#nodes.entries()) {
      const fetch = () => Promise.resolve(crlUntil(crl?.endsAtMs ?? 0));
      const renewAt = crl && (await crls.get(CRL, { fetch })).renewAt;
      const judged = { inconclusive: false, validUntil: renewAt?.toISOString() ?? null };
      for (let image = 0; image < this.#cluster.images; image += 1) {
        const next = nextReverification(judged, 0, now, this.#random(), REVERIFICATION_TIMES);
        const dueMs = renewAt === undefined ? 0 : next.due.getTime();
        this.#queue.add(dueMs, n * this.#cluster.images + image);
      }
    }
  }

  #dueImage(dueMs: number): DueImage {
    const id = this.#image;
    const asksSince = this.#asksSince[id] ?? NaN;
    return {
      ...{ repository: REPOSITORY, digest: DIGEST, descriptor: DESCRIPTOR, name: REPOSITORY },
      attempts: this.#attempts[id] ?? 0,
      isNew: this.#happening.isNew && dueMs === 0,
      asksSince: Number.isNaN(asksSince) ? null : new Date(asksSince),
      firstSeen: new Date(0),
      isRunning: id % this.#cluster.images < this.#cluster.running,
    };
  }

  #createNode(): Node {
    const { images, running, spreadMs, perSecond } = this.#cluster;
    const now = (): Date => new Date(this.#nowMs);
    const clock: Clock = {
      now,
      sleep: (ms) => {
        this.#nowMs += ms;
        return Promise.resolve();
      },
    };
    const random = this.#random;
    const freshMs = EVIDENCE_LIMITS.crlFreshMs;
    const crls = new EvidenceCache({
      ...{ clock, random, maxBytes: Infinity },
      ...{ ...EVIDENCE_LIMITS, freshMs },
    });
    const fetch = () => createEvidence(this.#happening, this.#count('crl', 1));
    const known = async () => {
      let renewAt: Date | null = null;
      const found = await this.#happening.known(this.#image % images, async () => {
        ({ renewAt } = await crls.get(CRL, { fetch }, { isPatient: true }));
      });
      return found && verdictOn(found, renewAt);
    };
    const parts: LookParts = {
      generation: () => GENERATION,
      verifier: {
        recall: async () => {
          const verdict = await known();
          return verdict && { verdict, isFinal: verdict.decision === 'allow' };
        },
        verify: async () => {
          const isUp = this.#nowMs >= this.#happening.registryDownMs;
          this.#count('registry', isUp ? this.#cluster.requests : 1);
          if (!isUp) return verdictOn('unreachable', null);
          return (await known()) ?? verdictOn('good', null);
        },
      },
      record: ({ schedule }) => this.#schedule(schedule),
      postpone: (_image, schedule) => this.#schedule(schedule),
      // Whatever came while an agent did not run is not part of this.
      mayAsk: ({ asksSince }) => asksSince !== null,
      share: () => ({ images, running }),
      pace: new RegistryPace(perSecond),
      times: { ...REVERIFICATION_TIMES, spreadMs },
      ...{ clock, random },
    };
    return { parts, crls };
  }

  #schedule({ due, attempts, asks = false }: Schedule): void {
    this.#asksSince[this.#image] = asks ? due.getTime() : NaN;
    this.#attempts[this.#image] = attempts;
    this.#queue.add(due.getTime(), this.#image);
  }

  /** Returns when. */
  #count(what: keyof Load, more: number): number {
    const second = Math.floor(this.#nowMs / 1000);
    const perSecond = this.load[what];
    while (perSecond.length <= second) perSecond.push(0);
    perSecond[second] = (perSecond[second] ?? 0) + more;
    return this.#nowMs;
  }
}

/** Chance puts more into some second than into others; four standard deviations are rarely exceeded. */
const DEVIATIONS = 4;
/** Where few images ask at all, chance brings some together more often than deviations tell. */
const TOGETHER = 3;

/**
 * The most requests that a second has, by formula: as many as if they came evenly over the spread,
 * nodes x images x requests / spread, and what chance adds. The requests of one image come together.
 */
export function peakLoad({ nodes, images, requests, spreadMs }: Cluster): number {
  const even = (nodes * images * requests * 1000) / spreadMs;
  return even + DEVIATIONS * Math.sqrt(requests * even) + TOGETHER * requests;
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
