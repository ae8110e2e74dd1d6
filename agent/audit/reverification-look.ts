// One look at one image: by what is known of it, and by its registry when it is its turn.
import { AgentError } from '../errors.ts';
import { NONE_SKIPPED, type Verdict } from '../notation/verification/verdict.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import type { Recalled } from '../verifier/verifier.ts';
import type { Clock } from './clock.ts';
import { isRegistryFault, type Pause, type RegistryPace } from './registry-pace.ts';
import {
  asksForAnother,
  askTime,
  nextReverification,
  type ReverificationTimes,
} from './reverification-schedule.ts';
import type { DueImage, Generation, Reverified, Schedule, Share } from './reverifications.ts';
import { isoTime } from '../utc.ts';

/** What is verified: a name (`repository@digest` where there is a repository) and its content. */
export interface ImageToVerify {
  readonly name: string;
  readonly descriptor: Descriptor;
}

/**
 * By what an image was re-verified: `known`, a signature that is kept or the policy alone;
 * `registry`, what that has; `paused`, nothing new, because the registry is in trouble.
 */
export const REVERIFICATION_MEANS = ['known', 'registry', 'paused'] as const;
export type ReverificationMeans = (typeof REVERIFICATION_MEANS)[number];

/** Neither rejects for anything outside; what it throws all the same is an inconclusive verdict. */
export interface ReverificationVerifier {
  /** Asks no registry; null where only that can tell. */
  recall(image: ImageToVerify, signal: AbortSignal): Promise<Recalled | null>;
  verify(image: ImageToVerify, signal: AbortSignal): Promise<Verdict>;
}

export interface LookParts {
  /** Must end soon after the signal aborts. */
  readonly verifier: ReverificationVerifier;
  /** The policy and trust in force now. */
  readonly generation: () => Generation;
  /** A registry is left alone for a while. */
  readonly onPause?: (registry: string, pause: Pause) => void;
  readonly pace: RegistryPace;
  readonly times: ReverificationTimes;
  readonly clock: Clock;
  readonly random: () => number;
  /** Notes a verdict; before the ledger is next asked which images are due, it is told. */
  readonly record: (looked: LookedAt) => void;
  /** Notes when an image is due; before the ledger is next asked which are, it is told. */
  readonly postpone: (image: DueImage, schedule: Schedule) => void;
  /** The images of the node, lately. */
  readonly share: () => Share;
  /** Whether an image may ask its registry now. */
  readonly mayAsk: (image: DueImage) => boolean;
}

/** What a look came to, and by what. */
export interface LookedAt extends Reverified {
  readonly image: DueImage;
  readonly means: ReverificationMeans;
}

/** How long a new image without a repository is left alone. */
const NAMELESS_MS = 5000;

/** Records what it finds, unless the signal aborts before that. */
export class Look {
  readonly #image: DueImage;
  readonly #parts: LookParts;
  readonly #generation: Generation;
  readonly #registry: string;

  constructor(image: DueImage, parts: LookParts) {
    this.#image = image;
    this.#parts = parts;
    // Taken before: if policy or trust change meanwhile, the image must stay due.
    const { policyHash, trustHash } = parts.generation();
    this.#generation = { policyHash, trustHash };
    this.#registry = image.repository.split('/')[0] ?? '';
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.#mayBeGoing()) {
      this.#postpone(new Date(this.#now().getTime() + NAMELESS_MS));
      return;
    }
    const recalled = await this.#recall(signal);
    if (signal.aborted) return;
    if (recalled?.isFinal === true) {
      this.#record(recalled.verdict, 'known', this.#next(recalled.verdict));
      return;
    }
    const refusal = recalled?.verdict ?? null;
    if (refusal !== null && this.#asksLater(refusal)) {
      this.#record(refusal, 'known', this.#again(refusal));
      return;
    }
    const pause = this.#parts.pace.pause(this.#registry, this.#now());
    if (!this.#parts.mayAsk(this.#image)) this.#awaitTurn(refusal);
    else if (pause !== null) this.#defer(refusal, pause);
    else await this.#ask(refusal, signal);
  }

  /** While kubelet removes an image, record by record, what is left has no repository for a moment. */
  #mayBeGoing(): boolean {
    return this.#image.isNew && this.#image.repository === '';
  }

  /** What is missing may be there in a minute, and what the registry has was looked at. */
  #asksLater({ inconclusive }: Verdict): boolean {
    const { mayAsk, times } = this.#parts;
    return inconclusive && !mayAsk(this.#image) && !asksForAnother(this.#image.attempts, times);
  }

  /** That what is known is refused is told at once; whether the registry has better is asked later. */
  #awaitTurn(refusal: Verdict | null): void {
    const due = this.#turnAfter(this.#now());
    if (refusal === null) {
      this.#postpone(due);
      return;
    }
    const attempts = refusal.inconclusive ? this.#image.attempts : 0;
    this.#record(refusal, 'known', { due, attempts, asks: true });
  }

  /** An image is told once that its registry is in trouble. */
  #defer(refusal: Verdict | null, pause: Pause): void {
    const { isNew, attempts } = this.#image;
    const due = this.#turnAfter(pause.until);
    const verdict = refusal ?? this.#unasked(pause);
    const isUntold = isNew || (attempts === 0 && verdict.inconclusive);
    if (isUntold) this.#record(verdict, 'paused', { due, attempts: attempts + 1, asks: true });
    else this.#postpone(due);
  }

  async #ask(refusal: Verdict | null, signal: AbortSignal): Promise<void> {
    const { pace, clock, random, onPause } = this.#parts;
    const waitMs = pace.takeTurn(this.#registry, this.#now());
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    const asked = this.#now();
    const verdict = await this.#verify(signal);
    if (signal.aborted) return;
    if (!isRegistryFault(verdict)) {
      pace.answered(this.#registry);
      // What is known may be good again, as soon as there is a CRL; that the registry has another is
      // looked into within the spread.
      const next = refusal === null ? this.#next(verdict) : this.#again(verdict);
      this.#record(verdict, 'registry', next);
      return;
    }
    const before = pace.pause(this.#registry, asked);
    const pause = pace.failed(this.#registry, verdict, { asked, now: this.#now() }, random());
    if (pause !== before) onPause?.(this.#registry, pause);
    // That nobody could be asked for another does not hide that what is known is refused.
    const told = refusal?.inconclusive === false ? refusal : verdict;
    // The first to come back, to see whether the registry does.
    const attempts = this.#image.attempts + 1;
    this.#record(told, 'registry', { due: pause.until, attempts, asks: true });
  }

  async #recall(signal: AbortSignal): Promise<Recalled | null> {
    const started = this.#now();
    try {
      return await this.#parts.verifier.recall(this.#asked(), signal);
    } catch (error) {
      return { verdict: this.#undecided(error, started), isFinal: true };
    }
  }

  async #verify(signal: AbortSignal): Promise<Verdict> {
    const started = this.#now();
    try {
      return await this.#parts.verifier.verify(this.#asked(), signal);
    } catch (error) {
      return this.#undecided(error, started);
    }
  }

  #asked(): ImageToVerify {
    const { name, descriptor } = this.#image;
    return { name, descriptor };
  }

  #next(verdict: Verdict): Omit<Schedule, keyof Generation> {
    const { times, random } = this.#parts;
    const { attempts } = this.#image;
    const next = nextReverification(verdict, attempts, this.#now(), random(), times);
    return { ...next, asks: verdict.inconclusive };
  }

  /** By what is known first. */
  #again(verdict: Verdict): Omit<Schedule, keyof Generation> {
    return { ...this.#next(verdict), asks: false };
  }

  #turnAfter(from: Date): Date {
    const { share, times, random } = this.#parts;
    return askTime(from, this.#image.isRunning, share(), random(), times.spreadMs);
  }

  #record(
    verdict: Verdict,
    means: ReverificationMeans,
    schedule: Omit<Schedule, keyof Generation>,
  ): void {
    const { record } = this.#parts;
    record({ image: this.#image, verdict, means, schedule: { ...this.#generation, ...schedule } });
  }

  #postpone(due: Date): void {
    const { attempts } = this.#image;
    const schedule = { ...this.#generation, due, attempts, asks: true };
    this.#parts.postpone(this.#image, schedule);
  }

  #unasked({ until, code, message }: Pause): Verdict {
    const fault = `not asked before ${isoTime(until)}, because it is in trouble: ${message}`;
    return this.#undecided(new AgentError(code, `${this.#registry}: ${fault}`), this.#now());
  }

  #undecided(error: unknown, started: Date): Verdict {
    const { repository, digest } = this.#image;
    const now = this.#now();
    return {
      decision: 'deny',
      reason: error instanceof AgentError ? error.code : 'internal',
      message: error instanceof Error ? error.message : String(error),
      inconclusive: true,
      ...{ repository, digest, policy: null, level: null, signature: null, signer: null },
      results: [],
      skippedSignatures: NONE_SKIPPED,
      ...{ policyHash: null, trustHash: null, validUntil: null },
      time: isoTime(now),
      durationMs: now.getTime() - started.getTime(),
    };
  }

  #now(): Date {
    return this.#parts.clock.now();
  }
}
