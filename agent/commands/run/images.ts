// What is on the node: containerd's images into the ledger, and each of them verified out of band.
import { withDeadline } from '../../deadline.ts';
import type { Logger } from 'pino';
import { followInventory } from '../../audit/inventory.ts';
import type { Ledger } from '../../audit/ledger.ts';
import { Reverification } from '../../audit/reverification.ts';
import { REVERIFICATION_TIMES } from '../../audit/reverification-schedule.ts';
import type { OwnImages } from '../../enforcement/own-images.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { type ContainerdClient, createContainerdClient } from '../../node/containerd/client.ts';
import { followImageEvents } from '../../node/containerd/events.ts';
import { getImage, listImages } from '../../node/containerd/images.ts';
import type { InForce } from '../../verifier/in-force.ts';
import type { Verifier } from '../../verifier/verifier.ts';
import { withoutCanary } from './canary.ts';

/** What following the images needs. */
export interface ImagesParts {
  readonly socketPath: string;
  readonly ledger: Ledger;
  readonly verifier: Verifier;
  readonly inForce: InForce;
  readonly intervalMs: number;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** The images to leave out. */
  readonly canaries: OwnImages;
  /** The connection to containerd broke. */
  readonly onGone: () => void;
}

/** One image out of band may take longer than a pull may, but not for ever. */
const REVERIFY_DEADLINE_MS = 30_000;

/** Inventory and re-verification. */
export class Images {
  readonly #parts: ImagesParts;
  readonly #client: ContainerdClient;
  readonly #reverification: Reverification;
  /** Whether the ledger has seen containerd's list. */
  isReconciled = false;

  constructor(parts: ImagesParts) {
    this.#parts = parts;
    this.#client = createContainerdClient(parts.socketPath);
    this.#reverification = createReverification(parts);
  }

  /** Policy, trust or images are others now. */
  wake(): void {
    this.#reverification.wake();
  }

  /** Follows and re-verifies until the signal aborts. Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await Promise.all([this.#follow(signal), this.#reverification.run(signal)]);
    } finally {
      this.#client.close();
    }
  }

  #follow(signal: AbortSignal): Promise<void> {
    const { ledger, metrics, log, canaries, onGone } = this.#parts;
    const client = this.#client;
    const source = {
      events: (within: AbortSignal) => followImageEvents(client, within),
      list: (within: AbortSignal) => listImages(client, within),
      get: (name: string, within: AbortSignal) => getImage(client, name, within),
    };
    const options = {
      ledger,
      source: withoutCanary(source, canaries),
      onChange: () => {
        this.wake();
      },
      onReconciled: () => {
        this.isReconciled = true;
      },
      onIncident: ({
        code,
        message,
      }: {
        code: Parameters<Metrics['countError']>[0];
        message: string;
      }) => {
        metrics.countError(code);
        log.warn({ code }, message);
        if (code === 'containerd_unavailable') onGone();
      },
    };
    return followInventory(options, signal);
  }
}

function createReverification(parts: ImagesParts): Reverification {
  const { ledger, verifier, inForce, intervalMs, metrics, log } = parts;
  return new Reverification({
    ledger,
    verify: (image, signal) =>
      withDeadline(signal, REVERIFY_DEADLINE_MS, (within) => verifier.verify(image, within)),
    generation: () => inForce.hashes,
    times: { ...REVERIFICATION_TIMES, intervalMs },
    onVerdict: ({ name }, verdict) => {
      const { decision, reason, message, durationMs, skippedSignatures } = verdict;
      metrics.observeVerification('reverification', decision, durationMs / 1000);
      metrics.countSkippedSignatures('reverification', skippedSignatures.count);
      const fields = { image: name, decision, reason, durationMs };
      // The audit log has a line for each verdict.
      if (decision === 'allow') log.debug(fields, 're-verified');
      else log.warn(fields, `an image on this node would be refused: ${message}`);
    },
  });
}
