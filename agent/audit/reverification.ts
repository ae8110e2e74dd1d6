// Verifies every image on the node out of band, again and again.
import { AgentError } from '../errors.ts';
import { NONE_SKIPPED, type Verdict } from '../notation/verification/verdict.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import type { DueImage, Generation } from './image-table.ts';
import type { Ledger } from './ledger.ts';
import {
  nextReverification,
  REVERIFICATION_TIMES,
  type ReverificationTimes,
} from './reverification-schedule.ts';

/** What is verified: a name (`repository@digest` where there is a repository) and its content. */
export interface ImageToVerify {
  readonly name: string;
  readonly descriptor: Descriptor;
}

export interface ReverificationOptions {
  readonly ledger: Pick<Ledger, 'imagesDue' | 'nextDue' | 'recordReverification'>;
  /** Must end soon after the signal aborts. What it throws counts as an inconclusive verdict. */
  readonly verify: (image: ImageToVerify, signal: AbortSignal) => Promise<Verdict>;
  /** The policy and trust in force now; call `wake` when they change. */
  readonly generation: () => Generation;
  readonly onVerdict?: (image: DueImage, verdict: Verdict) => void;
  /** Images verified at once, 1 or more. Default 2: beside real pulls this must not be felt. */
  readonly concurrency?: number;
  /** Default `REVERIFICATION_TIMES`. */
  readonly times?: ReverificationTimes;
  /** Default the system's clock. */
  readonly clock?: Clock;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

const DEFAULT_CONCURRENCY = 2;
/** Longest time between two looks at the ledger, should a `wake` ever be missed. */
const MAX_SLEEP_MS = 60 * 60 * 1000;

/** Takes the images that are due one by one; see `Ledger.imagesDue` for which those are. */
export class Reverification {
  readonly #options: ReverificationOptions;
  readonly #clock: Clock;
  readonly #running = new Map<string, Promise<void>>();
  #woken = new AbortController();

  constructor(options: ReverificationOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** Looks at the ledger now: there is a new image, or another policy or trust. */
  wake(): void {
    this.#woken.abort();
  }

  /**
   * Re-verifies until the signal aborts; resolves once nothing runs any more. Verdicts that were
   * being reached then are not recorded: their images are still due at the next start. Rejects with
   * `ledger_failed`.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { ledger, generation, concurrency = DEFAULT_CONCURRENCY } = this.#options;
    const stop = new AbortController();
    const ending = AbortSignal.any([signal, stop.signal]);
    try {
      while (!ending.aborted) {
        this.#woken = new AbortController();
        // Images being verified are still due, so as many more must be asked for.
        const limit = concurrency + this.#running.size;
        const due = ledger.imagesDue(generation(), this.#clock.now(), limit);
        const waiting = due.filter((image) => !this.#running.has(keyOf(image)));
        for (const image of waiting.slice(0, concurrency - this.#running.size)) {
          this.#start(image, ending);
        }
        await this.#wait(this.#running.size >= concurrency, ending);
      }
    } finally {
      stop.abort();
      await Promise.allSettled(this.#running.values());
    }
  }

  #start(image: DueImage, signal: AbortSignal): void {
    const key = keyOf(image);
    const task = this.#reverify(image, signal).finally(() => this.#running.delete(key));
    // A fault of the ledger is raised where `run` awaits the task, which may be later.
    task.catch(() => {});
    this.#running.set(key, task);
  }

  async #reverify(image: DueImage, signal: AbortSignal): Promise<void> {
    const {
      ledger,
      generation,
      times = REVERIFICATION_TIMES,
      random = Math.random,
    } = this.#options;
    // Taken before: if policy or trust change meanwhile, the image must stay due.
    const { policyHash, trustHash } = generation();
    const verdict = await this.#verdictOn(image, signal);
    if (signal.aborted) return;
    const next = nextReverification(verdict, image.attempts, this.#clock.now(), random(), times);
    ledger.recordReverification(image, verdict, { policyHash, trustHash, ...next });
    this.#options.onVerdict?.(image, verdict);
  }

  async #verdictOn(image: DueImage, signal: AbortSignal): Promise<Verdict> {
    const started = this.#clock.now();
    try {
      return await this.#options.verify({ name: image.name, descriptor: image.descriptor }, signal);
    } catch (error) {
      return undecided(image, error, started, this.#clock.now());
    }
  }

  // Until a slot is free, if all are taken; else also until an image is due or `wake`.
  async #wait(forSlot: boolean, ending: AbortSignal): Promise<void> {
    const free = [...this.#running.values()];
    if (forSlot) return Promise.race(free);
    const done = new AbortController();
    const signal = AbortSignal.any([ending, this.#woken.signal, done.signal]);
    await Promise.race([...free, this.#clock.sleep(this.#sleepMs(), signal)]);
    done.abort();
  }

  #sleepMs(): number {
    const due = this.#options.ledger.nextDue();
    const waitMs = due === null ? MAX_SLEEP_MS : due.getTime() - this.#clock.now().getTime();
    // An image that is being verified may be overdue; its end wakes us, not the clock.
    const leastMs = this.#running.size > 0 ? MAX_SLEEP_MS : 0;
    return Math.min(Math.max(waitMs, leastMs), MAX_SLEEP_MS);
  }
}

function keyOf({ repository, digest }: DueImage): string {
  return `${repository}@${digest}`;
}

function undecided(image: DueImage, error: unknown, started: Date, now: Date): Verdict {
  return {
    decision: 'deny',
    reason: error instanceof AgentError ? error.code : 'internal',
    message: error instanceof Error ? error.message : String(error),
    inconclusive: true,
    repository: image.repository,
    digest: image.digest,
    policy: null,
    level: null,
    signature: null,
    signer: null,
    results: [],
    skippedSignatures: NONE_SKIPPED,
    policyHash: null,
    trustHash: null,
    validUntil: null,
    time: now.toISOString(),
    durationMs: now.getTime() - started.getTime(),
  };
}
