// Finds the pods whose pulls were refused, and raises a notice on each.
import { Bell } from '../bell.ts';
import { AgentError } from '../errors.ts';
import type { AuditTrail } from './audit-trail.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import type { HistoryEntry } from './history-record.ts';
import type { Notice } from './notices.ts';
import { normalizedName } from './pull-name.ts';

/** A container that waits for its image. Its texts are untrusted. */
export interface WaitingContainer {
  /** As the pod names it. */
  readonly image: string;
  readonly pod: { readonly uid: string; readonly namespace: string; readonly name: string };
  readonly fieldPath: string;
}

export interface RefusedPullsOptions {
  readonly history: Pick<AuditTrail, 'after' | 'lastId'>;
  /** `pending`: of pods that never ran, which are few. Rejects with an AgentError. */
  readonly waiting: (
    scope: 'pending' | 'all',
    signal: AbortSignal,
  ) => Promise<readonly WaitingContainer[]>;
  readonly raise: (notice: Notice) => void;
  readonly onIncident: (error: AgentError) => void;
  readonly clock?: Clock;
}

/** Of an Event on a pod whose image was refused. */
export const REFUSED = 'ImageRefused';

/**
 * Between two looks, and before the first: kubelet writes a pod's status some time after its pull
 * failed. Asked again and again, it says so sooner or later, or the pull was nobody's of Kubernetes.
 */
const LOOK_MS = 3000;
const MAX_LOOKS = 6;
/** Names of images of which pods are looked for; a node pulls a few at a time. */
const MAX_SOUGHT = 100;
const PAGE = 100;

/** Begins with the pulls that are refused from now on: kubelet tries those before again. */
export class RefusedPulls {
  readonly #options: RefusedPullsOptions;
  readonly #clock: Clock;
  #lastId: number;
  /** The last refusal of each name that no pod is found for yet, and how often it was looked for. */
  readonly #sought = new Map<string, { readonly entry: HistoryEntry; looks: number }>();
  readonly #bell = new Bell();

  constructor(options: RefusedPullsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#lastId = options.history.lastId();
  }

  /** There are further lines. */
  wake(): void {
    this.#bell.ring();
  }

  /** Until the signal aborts. Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#bell.silence();
      this.#read();
      if (this.#sought.size === 0) {
        await this.#bell.sleep(this.#clock, Infinity, signal);
      } else {
        await this.#clock.sleep(LOOK_MS, signal);
        if (!isAborted(signal)) await this.#look(signal);
      }
    }
  }

  #read(): void {
    for (;;) {
      const lines = this.#options.history.after(this.#lastId, { kind: 'pull' }, PAGE);
      for (const entry of lines) this.#seek(entry);
      this.#lastId = lines.at(-1)?.id ?? this.#lastId;
      if (lines.length < PAGE) return;
    }
  }

  #seek(entry: HistoryEntry): void {
    if (entry.admitted !== false || entry.name === '') return;
    const name = normalizedName(entry.name);
    if (this.#sought.size < MAX_SOUGHT || this.#sought.has(name)) {
      this.#sought.set(name, { entry, looks: 0 });
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { waiting, raise, onIncident } = this.#options;
    const sought = new Map(this.#sought);
    const first = [...sought.values()].every(({ looks }) => looks === 0);
    for (const [name, one] of sought) {
      one.looks += 1;
      if (one.looks >= MAX_LOOKS) this.#sought.delete(name);
    }
    try {
      for (const container of await waiting(first ? 'pending' : 'all', signal)) {
        const found = sought.get(normalizedName(container.image));
        if (found === undefined) continue;
        raise(refusal(container, found.entry));
        this.#sought.delete(normalizedName(container.image));
      }
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      if (!isAborted(signal)) onIncident(error);
    }
  }
}

function refusal({ pod, fieldPath, image }: WaitingContainer, entry: HistoryEntry): Notice {
  const { reason, message } = entry;
  return {
    subject: { kind: 'Pod', ...pod, fieldPath },
    type: 'Warning',
    reason: REFUSED,
    message: `Image "${image}" was refused (${reason}): ${message}`,
    about: image,
  };
}

function isAborted({ aborted }: AbortSignal): boolean {
  return aborted;
}
