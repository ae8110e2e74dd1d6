// Raises a notice on each pod that runs an image which today's policy refuses.
import { Bell } from '../bell.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';
import type { LedgerContainer } from './container.ts';
import { runs } from './image-counts.ts';
import { lastVerdict } from './image-state.ts';
import type { LedgerImage } from './image-table.ts';
import type { Notice } from './notices.ts';

export interface FailedContainersOptions {
  /** Every image of the node. */
  readonly images: () => Iterable<LedgerImage>;
  /** Every container that runs. */
  readonly containers: () => readonly LedgerContainer[];
  readonly raise: (notice: Notice) => void;
  readonly clock?: Clock;
}

/** Of an Event on a pod whose image would be refused, but runs. */
export const RUNNING_FAILED = 'RunningImageFailed';

/** Between two looks: all verdicts on a node may change at once. */
const LOOK_MS = 15_000;
/** Without any news: a container is looked at by more than one list. */
const LOOK_AGAIN_MS = 5 * 60_000;
/** Kubernetes forgets an Event an hour after it was told last, and it is still so. */
const REMIND_MS = 50 * 60_000;

export class FailedContainers {
  readonly #options: FailedContainersOptions;
  readonly #clock: Clock;
  /** When it was raised last, of each that fails. */
  #raisedMs: ReadonlyMap<string, number> = new Map();
  readonly #bell = new Bell();

  constructor(options: FailedContainersOptions) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** There are other verdicts or containers than before. */
  wake(): void {
    this.#bell.ring();
  }

  /** Until the signal aborts. Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#bell.silence();
      this.#look();
      await this.#clock.sleep(LOOK_MS, signal);
      const longerMs = LOOK_AGAIN_MS - LOOK_MS;
      await this.#bell.sleep(this.#clock, longerMs, signal);
    }
  }

  #look(): void {
    const { images, containers, raise } = this.#options;
    const nowMs = this.#clock.now().getTime();
    const byDigest = Map.groupBy(containers(), ({ digest }) => digest);
    const raised = new Map<string, number>();
    for (const image of images()) {
      if (image.state !== 'failed') continue;
      for (const container of byDigest.get(image.digest) ?? []) {
        // One that is of no pod has nobody to be told.
        if (container.pod.uid === '' || !runs(container, image)) continue;
        const key = JSON.stringify([container.pod.uid, image.repository, image.digest]);
        const beforeMs = raised.get(key) ?? this.#raisedMs.get(key);
        const isDue = beforeMs === undefined || Math.abs(nowMs - beforeMs) >= REMIND_MS;
        raised.set(key, isDue ? nowMs : beforeMs);
        if (isDue) raise(failure(container, image));
      }
    }
    // What no longer fails is news when it fails again.
    this.#raisedMs = raised;
  }
}

function failure({ pod, asked, name }: LedgerContainer, image: LedgerImage): Notice {
  const verdict = lastVerdict(image);
  const why = verdict === null ? '' : ` (${verdict.reason}): ${verdict.message}`;
  return {
    subject: { kind: 'Pod', ...pod, fieldPath: `spec.containers{${name}}` },
    type: 'Warning',
    reason: RUNNING_FAILED,
    message: `Image "${asked}" runs, but would be refused today${why}`,
    about: `${image.repository}@${image.digest}`,
  };
}
