// Verifies every image on the node out of band, again and again.
import { Bell } from '../bell.ts';
import type { Verdict } from '../notation/verification/verdict.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import type { Ledger } from './ledger.ts';
import { RegistryPace } from './registry-pace.ts';
import {
  Look,
  type LookedAt,
  type LookParts,
  type ReverificationMeans,
} from './reverification-look.ts';
import { REVERIFICATION_TIMES, type ReverificationTimes } from './reverification-schedule.ts';
import type { DueImage, Generation, Postponed, Share } from './reverifications.ts';

export interface ReverificationOptions extends Pick<
  LookParts,
  'verifier' | 'generation' | 'onPause'
> {
  readonly ledger: Pick<Ledger, 'reverifications' | 'recordReverifications'>;
  /** Called once it is in the ledger. */
  readonly onVerdict?: (image: DueImage, verdict: Verdict, means: ReverificationMeans) => void;
  /** When the ledger first had all images of the node in this run of the agent; null before. */
  readonly listedAt: () => Date | null;
  /** Images looked at together, 1 or more. Default 4: half of the connections to a registry are left to pulls. */
  readonly concurrency?: number;
  /** How many images may ask one registry within a second. Default 20. */
  readonly perSecond?: number;
  /** Default `REVERIFICATION_TIMES`. */
  readonly times?: ReverificationTimes;
  /** Default the system's clock. */
  readonly clock?: Clock;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

const DEFAULT_CONCURRENCY = 4;
/** Default of `perSecond`: what one node may add to a registry's load, however it came to it. */
export const DEFAULT_PER_SECOND = 20;
/** Each image that is kept takes half a KiB. */
const BATCH = 256;
/** Verdicts that share a transaction while many come, and how long the first may wait for the others. */
const MAX_RECORDED = 64;
const RECORD_MS = 100;
/** Longest time between two looks at the ledger, should a `wake` ever be missed. */
const MAX_SLEEP_MS = 60 * 60 * 1000;

/** What a look at the ledger found. */
interface Batch extends Generation {
  /** Those not begun with yet. */
  readonly images: DueImage[];
  /** Counted when it is first asked for: an image that has its turn takes none. */
  share?: Share;
}

/**
 * Takes the images that are due one by one; see `Reverifications.due` for which those are. Each is
 * looked at by what is known of it first, which asks no registry. Where that is not enough, an image
 * that has just come asks its registry at once. All others wait for a turn of their own, so that
 * neither a roll-out nor a new policy nor a restart nor the end of an outage brings the images of a
 * cluster to a registry together.
 */
export class Reverification {
  readonly #options: ReverificationOptions;
  readonly #parts: LookParts;
  readonly #clock: Clock;
  readonly #running = new Map<string, Promise<void>>();
  /** Not in the ledger yet: one transaction is enough for many. */
  readonly #postponed: Postponed[] = [];
  /** The same, and nobody was told of them. */
  readonly #verdicts: LookedAt[] = [];
  #settling: Promise<void> | undefined;
  #isSettled = false;
  #startedAt = new Date(0);
  #batch: Batch = { policyHash: null, trustHash: null, images: [] };
  /** Until then no image is new or of another generation but those being looked at. */
  #allKnownUntil = new Date(0);
  readonly #bell = new Bell();

  constructor(options: ReverificationOptions) {
    const { clock = SYSTEM_CLOCK, perSecond = DEFAULT_PER_SECOND, random = Math.random } = options;
    this.#options = options;
    this.#clock = clock;
    this.#parts = {
      ...options,
      ...{ clock, random, times: options.times ?? REVERIFICATION_TIMES },
      pace: new RegistryPace(perSecond),
      mayAsk: (image) => this.#mayAsk(image),
      share: () => (this.#batch.share ??= options.ledger.reverifications.share()),
      postpone: (image, schedule) => this.#postponed.push([image, schedule]),
      record: (looked) => this.#verdicts.push(looked),
    };
  }

  /** Looks at the ledger now: there is a new image, or another policy or trust. */
  wake(): void {
    this.#bell.ring();
  }

  /**
   * Re-verifies until the signal aborts; resolves once nothing runs any more. Verdicts that were
   * being reached then are not recorded: their images are still due at the next start. Rejects with
   * `ledger_failed`.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { concurrency = DEFAULT_CONCURRENCY } = this.#options;
    const stop = new AbortController();
    const ending = AbortSignal.any([signal, stop.signal]);
    this.#startedAt = this.#clock.now();
    try {
      while (!ending.aborted) {
        const waiting = this.#due();
        for (const image of waiting.splice(0, concurrency - this.#running.size)) {
          this.#start(image, ending);
        }
        await this.#wait(this.#running.size >= concurrency, ending);
        if (this.#isSettled || this.#verdicts.length >= MAX_RECORDED) this.#record();
      }
    } finally {
      stop.abort();
      await Promise.allSettled(this.#running.values());
    }
    this.#record();
  }

  /** Tells of verdicts once they are in the ledger. */
  #record(): void {
    const { ledger, onVerdict } = this.#options;
    this.#isSettled = false;
    const verdicts = this.#verdicts.splice(0);
    if (verdicts.length === 0) return;
    ledger.recordReverifications(verdicts);
    for (const { image, verdict, means } of verdicts) onVerdict?.(image, verdict, means);
  }

  /** The images to begin with next, from the last look at the ledger while that holds. */
  #due(): DueImage[] {
    const { ledger, generation } = this.#options;
    const { policyHash, trustHash } = generation();
    const known = this.#batch;
    const holds = known.policyHash === policyHash && known.trustHash === trustHash;
    if (!holds || this.#bell.isRung) this.#allKnownUntil = new Date(0);
    else if (known.images.length > 0) return known.images;
    this.#bell.silence();
    this.#record();
    ledger.reverifications.postpone(this.#postponed.splice(0));
    const images = this.#look({ policyHash, trustHash });
    this.#batch = { policyHash, trustHash, images };
    return images;
  }

  /** At all images only where there may be new ones: it takes time for each of them. */
  #look(generation: Generation): DueImage[] {
    const { reverifications } = this.#options.ledger;
    const now = this.#clock.now();
    // Images being looked at are still due, so as many more must be asked for.
    const limit = BATCH + this.#running.size;
    const isKnown = now < this.#allKnownUntil;
    const due = isKnown
      ? reverifications.dueByTime(generation, now, limit)
      : reverifications.due(generation, now, limit);
    const images = due.filter((image) => !this.#running.has(keyOf(image)));
    // What is being looked at under another generation is of that one when it is done.
    if (!isKnown && images.length === due.length && due.length < limit) {
      this.#allKnownUntil = new Date(now.getTime() + MAX_SLEEP_MS);
    }
    return images;
  }

  /**
   * A turn that came while the agent did not run is taken anew: after a long night, all have come.
   * What was there at the first list came before us, and is in no hurry either.
   */
  #mayAsk({ isNew, firstSeen, asksSince }: DueImage): boolean {
    if (!isNew) return asksSince !== null && asksSince >= this.#startedAt;
    const listedAt = this.#options.listedAt();
    return listedAt !== null && firstSeen > listedAt;
  }

  #start(image: DueImage, signal: AbortSignal): void {
    const key = keyOf(image);
    const look = new Look(image, this.#parts);
    const task = look.run(signal).finally(() => this.#running.delete(key));
    // A fault of the ledger is raised where `run` awaits the task, which may be later.
    task.catch(() => {});
    this.#running.set(key, task);
  }

  // Until a slot is free, if all are taken; else also until an image is due or `wake`.
  async #wait(forSlot: boolean, ending: AbortSignal): Promise<void> {
    const free = [...this.#running.values()];
    if (forSlot)
      return Promise.race(this.#verdicts.length === 0 ? free : [...free, this.#settle(ending)]);
    const done = new AbortController();
    const signal = AbortSignal.any([ending, done.signal]);
    await Promise.race([...free, this.#bell.sleep(this.#clock, this.#sleepMs(), signal)]);
    done.abort();
  }

  /** A slow registry must not keep the verdicts of others waiting. */
  #settle(ending: AbortSignal): Promise<void> {
    this.#settling ??= this.#clock.sleep(RECORD_MS, ending).then(() => {
      this.#settling = undefined;
      this.#isSettled = true;
    });
    return this.#settling;
  }

  #sleepMs(): number {
    const due = this.#options.ledger.reverifications.next();
    const waitMs = due === null ? MAX_SLEEP_MS : due.getTime() - this.#clock.now().getTime();
    // An image that is being looked at may be overdue; its end wakes us, not the clock.
    const leastMs = this.#running.size > 0 ? MAX_SLEEP_MS : 0;
    return Math.min(Math.max(waitMs, leastMs), MAX_SLEEP_MS);
  }
}

function keyOf({ repository, digest }: DueImage): string {
  return `${repository}@${digest}`;
}
