// Learns from Kubernetes what made the pods whose containers run here. Nothing else waits for it.
import { Bell } from '../bell.ts';
import { AgentError } from '../errors.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import type { Controller } from './container.ts';
import type { RunningContainers } from './running-containers.ts';

export interface PodControllersOptions {
  readonly containers: Pick<RunningContainers, 'podsUnknown' | 'recordControllers'>;
  /** Of every pod of this node, by uid. Rejects with an AgentError. */
  readonly list: (signal: AbortSignal) => Promise<ReadonlyMap<string, Controller | null>>;
  readonly onIncident?: (error: AgentError) => void;
  readonly clock?: Clock;
  /** From 0 to 1. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * At the least between two lists, and doubled after each failure in a row: names of controllers are
 * for people, and the nodes of a cluster must not ask together when all of its pods are made anew.
 */
const INTERVAL_MS = 30 * 1000;
const MAX_INTERVAL_MS = 15 * 60 * 1000;

export class PodControllers {
  readonly #options: PodControllersOptions;
  readonly #clock: Clock;
  /** Those that Kubernetes did not know of when it was asked last. */
  #asked: ReadonlySet<string> = new Set();
  #failures = 0;
  readonly #bell = new Bell();

  constructor(options: PodControllersOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** Other containers run than before. */
  wake(): void {
    this.#bell.ring();
  }

  /** Until the signal aborts. Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#bell.silence();
      if (this.#isDue()) {
        await this.#ask(signal);
        await this.#clock.sleep(this.#intervalMs(), signal);
      } else {
        await this.#bell.sleep(this.#clock, MAX_INTERVAL_MS, signal);
      }
    }
  }

  #isDue(): boolean {
    return this.#options.containers.podsUnknown().some((uid) => !this.#asked.has(uid));
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { containers, list, onIncident } = this.#options;
    try {
      const controllers = await list(signal);
      const unknown = containers.podsUnknown();
      const found = unknown.flatMap((uid): [string, Controller | null][] => {
        const controller = controllers.get(uid);
        return controller === undefined ? [] : [[uid, controller]];
      });
      containers.recordControllers(new Map(found));
      this.#asked = new Set(unknown);
      this.#failures = 0;
    } catch (error) {
      if (!(error instanceof AgentError) || error.code === 'ledger_failed') throw error;
      this.#failures += 1;
      if (!isAborted(signal)) onIncident?.(error);
    }
  }

  #intervalMs(): number {
    const { random = Math.random } = this.#options;
    const ms = Math.min(INTERVAL_MS * 2 ** Math.min(this.#failures, 16), MAX_INTERVAL_MS);
    return Math.round(ms * (1 + random() / 2));
  }
}

function isAborted({ aborted }: AbortSignal): boolean {
  return aborted;
}
