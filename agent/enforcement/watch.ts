// Keeps an eye on whether this node enforces: tries the canary again and again, and knows the state in between.
import { Bell } from '../bell.ts';
import { AgentError } from '../errors.ts';
import type { CanaryResult } from './canary-result.ts';
import { type Cause, causeOf } from './causes.ts';
import { containerdStartedAt, type EventTotal, fallbackWarning } from './fallback.ts';
import { nextCanaryMs } from './schedule.ts';
import {
  type CanaryRecord,
  type Enforcement,
  enforcementOf,
  type EnforcementState,
  type Suspicion,
} from './state.ts';

/** Time, so that tests can turn it. */
export interface Clock {
  now(): Date;
  /** Resolves after `ms`, or as soon as the signal aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Where evidence comes from, and who is told. */
export interface EnforcementWatchOptions {
  readonly canary: { run(signal: AbortSignal): Promise<CanaryResult> };
  /** What the journal has told so far. */
  readonly events: () => readonly EventTotal[];
  /** What the configuration of containerd is suspected of. What keeps it from being read is thrown as an AgentError. */
  readonly findings: (signal: AbortSignal) => Promise<readonly Suspicion[]>;
  /** The verifier's path if it is not there; a look at it must be cheap. */
  readonly missingVerifier: () => string | undefined;
  /** By what every image is let in at this moment, on purpose; a look at it must be cheap. */
  readonly opened: () => readonly Cause[];
  /** Between two canaries, in milliseconds. */
  readonly intervalMs: number;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly onCanary: (result: CanaryResult) => void;
  /** The state or its causes are others than when it was told last. */
  readonly onChange: (enforcement: Enforcement, before: EnforcementState | undefined) => void;
}

/** containerd's start and an installer's work are several events; one canary after them is enough. */
const SETTLE_MS = 300;

/** The state of this node, as it is known; `unknown` until there was a canary. */
export class EnforcementWatch {
  readonly #options: EnforcementWatchOptions;
  #suspicions: readonly Suspicion[] = [];
  #last: CanaryRecord | null = null;
  #told: CanaryRecord | null = null;
  #provedAt: Date | null = null;
  #goneAt: Date | null = null;
  #missingSince: Date | null = null;
  #openedAt: Date | null = null;
  #isOpened = false;
  #lookedAt: Date | null = null;
  #failures = 0;
  #shown: { readonly text: string; readonly state: EnforcementState } | undefined;
  readonly #bell = new Bell();

  constructor(options: EnforcementWatchOptions) {
    this.#options = options;
  }

  /** What is known now. Throws what `events` throws. */
  enforcement(): Enforcement {
    const { events, clock, intervalMs } = this.#options;
    const heard = events();
    const openedAt = this.#openedAt;
    const opened = this.#opened();
    // Others may look too seldom to have seen a short one, and no proof would follow it.
    if (this.#openedAt !== openedAt) this.wake();
    const suspicions = [
      ...opened,
      this.#verifierMissing(),
      fallbackWarning(heard),
      ...this.#suspicions,
    ];
    const evidence = {
      suspicions: suspicions.filter((one) => one !== undefined).filter(isFirstOfItsCode),
      ...{ last: this.#last, told: this.#told, provedAt: this.#provedAt, intervalMs },
      changedAt: latest([
        containerdStartedAt(heard),
        this.#goneAt,
        this.#missingSince,
        this.#openedAt,
      ]),
    };
    return enforcementOf(evidence, clock.now());
  }

  /** The last canary that ended, whatever came of it. */
  get lastCanary(): CanaryRecord | null {
    return this.#last;
  }

  /** Something changed that a canary may find: one is tried at once. */
  readonly wake = (): void => {
    this.#bell.ring();
  };

  /** The journal tells of something at this time; what the last canary can have seen already is old news. */
  readonly heard = (at: Date): void => {
    if (this.#lookedAt === null || at >= this.#lookedAt) this.wake();
  };

  /**
   * An image came in without our verdict at this time. It is one more reason to look where a canary said
   * that this node enforces; one that is known not to is only told so again.
   */
  readonly doubted = (at: Date): void => {
    if (this.#last?.result.kind === 'proved') this.heard(at);
  };

  /** containerd broke off: what was proved of it says nothing of the one that comes back. */
  readonly containerdGone = (): void => {
    this.#goneAt = this.#options.clock.now();
    this.wake();
  };

  /** Tries canaries until the signal aborts. Rejects with what `events` throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs, random } = this.#options;
    while (!signal.aborted) {
      this.#bell.silence();
      const kind = await this.#look(signal);
      const waitMs = nextCanaryMs(kind, this.#failures, intervalMs, random());
      await this.#bell.sleep(clock, waitMs, signal);
      await clock.sleep(SETTLE_MS, signal);
    }
  }

  async #look(signal: AbortSignal): Promise<CanaryResult['kind']> {
    const { canary, clock, onCanary } = this.#options;
    // Before the time is taken: this run sees what was opened until now.
    this.#opened();
    const at = clock.now();
    this.#lookedAt = at;
    this.#suspicions = await this.#findings(signal);
    const result = await canary.run(signal);
    // It was broken off and tells nothing.
    if (signal.aborted) return result.kind;
    this.#last = { result, at };
    if (result.kind !== 'inconclusive') this.#told = this.#last;
    if (result.kind === 'proved') this.#provedAt = at;
    this.#failures = result.kind === 'proved' ? 0 : this.#failures + 1;
    onCanary(result);
    this.#tell();
    return result.kind;
  }

  async #findings(signal: AbortSignal): Promise<readonly Suspicion[]> {
    try {
      return await this.#options.findings(signal);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      return [{ ...causeOf('configuration_unread', error.message), effect: 'warning' }];
    }
  }

  /** Both when it begins and when it ends: what was proved before says nothing of what is now. */
  #opened(): readonly Suspicion[] {
    const causes = this.#options.opened();
    if (causes.length > 0 !== this.#isOpened) this.#openedAt = this.#options.clock.now();
    this.#isOpened = causes.length > 0;
    return causes.map((cause) => ({ ...cause, effect: 'opened' }));
  }

  #verifierMissing(): Suspicion | undefined {
    const path = this.#options.missingVerifier();
    if (path === undefined) this.#missingSince = null;
    else this.#missingSince ??= this.#options.clock.now();
    if (path === undefined) return undefined;
    return { ...causeOf('verifier_missing', `Expected ${path}.`), effect: 'bypass' };
  }

  /** Once per change, however often it is looked at. */
  #tell(): void {
    const enforcement = this.enforcement();
    const { state, causes } = enforcement;
    const text = [state, ...causes.map(({ code }) => code)].join(' ');
    if (text === this.#shown?.text) return;
    const before = this.#shown?.state;
    this.#shown = { text, state };
    this.#options.onChange(enforcement, before);
  }
}

function isFirstOfItsCode(one: Suspicion, index: number, all: readonly Suspicion[]): boolean {
  return all.findIndex(({ code }) => code === one.code) === index;
}

function latest(times: readonly (Date | null)[]): Date | null {
  const known = times.filter((time) => time !== null).map((time) => time.getTime());
  return known.length === 0 ? null : new Date(Math.max(...known));
}
