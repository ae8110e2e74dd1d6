// How fast re-verification may ask a registry, and when not at all.
import type { ErrorCode } from '../errors.ts';
import type { Reason, Verdict } from '../notation/verification/verdict.ts';

/** A registry that failed, and until when it is left alone. */
export interface Pause {
  readonly until: Date;
  /** What it failed with. */
  readonly code: ErrorCode;
  readonly message: string;
}

interface Registry {
  /** When the next image may ask. */
  nextMs: number;
  failures: number;
  pause: Pause | null;
}

/** After the first failure; doubled after each further one. */
const FIRST_PAUSE_MS = 15 * 1000;
/** A registry that is back is asked again within this. */
const MAX_PAUSE_MS = 10 * 60 * 1000;
/** Whoever may import images can name any number of registries. */
const MAX_REGISTRIES = 256;

/** What says that a registry, rather than one of its images, is in trouble. */
const FAULTS: ReadonlySet<Reason> = new Set<ErrorCode>([
  'registry_unreachable',
  'registry_timeout',
  'registry_busy',
  'registry_failed',
  'deadline_exceeded',
]);

/** Whether a verdict is what it is because the registry could not be asked. */
export function isRegistryFault({ inconclusive, reason }: Verdict): boolean {
  return inconclusive && FAULTS.has(reason);
}

/** Knows no clock: the time is told. */
export class RegistryPace {
  readonly #gapMs: number;
  readonly #registries = new Map<string, Registry>();

  /** `perSecond`: how many images may ask one registry within a second. */
  constructor(perSecond: number) {
    this.#gapMs = 1000 / perSecond;
  }

  /** Takes the next turn at a registry; returns how many milliseconds it is away. */
  takeTurn(name: string, now: Date): number {
    const registry = this.#registry(name);
    const turnMs = Math.max(registry.nextMs, now.getTime());
    registry.nextMs = turnMs + this.#gapMs;
    return turnMs - now.getTime();
  }

  /** The pause of a registry that is to be left alone now. */
  pause(name: string, now: Date): Pause | null {
    const pause = this.#registries.get(name)?.pause ?? null;
    return pause !== null && now < pause.until ? pause : null;
  }

  /** It answered: it is no longer in trouble. */
  answered(name: string): void {
    const registry = this.#registry(name);
    registry.failures = 0;
    registry.pause = null;
  }

  /**
   * It failed whoever asked it at `asked`. Up to half of the pause is taken off at random, so that
   * the nodes of a cluster do not come back together. What was asked before the last failure was told
   * adds nothing to it.
   */
  failed(
    name: string,
    { reason, message }: Pick<Verdict, 'reason' | 'message'>,
    times: { readonly asked: Date; readonly now: Date },
    random: number,
  ): Pause {
    const registry = this.#registry(name);
    const { pause } = registry;
    if (pause !== null && times.asked < pause.until) return pause;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(registry.failures, 30), MAX_PAUSE_MS);
    registry.failures += 1;
    registry.pause = {
      until: new Date(times.now.getTime() + Math.round(pauseMs * (1 - random / 2))),
      code: reason as ErrorCode,
      message,
    };
    return registry.pause;
  }

  #registry(name: string): Registry {
    const known = this.#registries.get(name) ?? { nextMs: 0, failures: 0, pause: null };
    this.#registries.delete(name);
    this.#registries.set(name, known);
    const [oldest] = this.#registries.keys();
    if (oldest !== undefined && this.#registries.size > MAX_REGISTRIES) {
      this.#registries.delete(oldest);
    }
    return known;
  }
}
