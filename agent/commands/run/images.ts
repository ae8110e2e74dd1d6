// What is on the node: containerd's images into the ledger, and each of them verified out of band.
import type { Logger } from 'pino';
import { followInventory } from '../../audit/inventory.ts';
import type { Ledger } from '../../audit/ledger.ts';
import { Reverification } from '../../audit/reverification.ts';
import { REVERIFICATION_TIMES } from '../../audit/reverification-schedule.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { type ContainerdClient, createContainerdClient } from '../../node/containerd/client.ts';
import { followImageEvents } from '../../node/containerd/events.ts';
import { getImage, listImages } from '../../node/containerd/images.ts';
import type { InForce } from '../../verifier/in-force.ts';
import type { Verifier } from '../../verifier/verifier.ts';

/** What following the images needs. */
export interface ImagesParts {
  readonly socketPath: string;
  readonly ledger: Ledger;
  readonly verifier: Verifier;
  readonly inForce: InForce;
  readonly intervalMs: number;
  readonly metrics: Metrics;
  readonly log: Logger;
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
    const { ledger, metrics, log } = this.#parts;
    const client = this.#client;
    const options = {
      ledger,
      source: {
        events: (within: AbortSignal) => followImageEvents(client, within),
        list: (within: AbortSignal) => listImages(client, within),
        get: (name: string, within: AbortSignal) => getImage(client, name, within),
      },
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
      verifier.verify(image, AbortSignal.any([signal, AbortSignal.timeout(REVERIFY_DEADLINE_MS)])),
    generation: () => inForce.hashes,
    times: { ...REVERIFICATION_TIMES, intervalMs },
    onVerdict: ({ name }, verdict) => {
      const { decision, reason, message, durationMs, skippedSignatures } = verdict;
      metrics.observeVerification('reverification', decision, durationMs / 1000);
      metrics.countSkippedSignatures('reverification', skippedSignatures.count);
      const fields = { image: name, decision, reason, durationMs };
      if (decision === 'allow') log.info(fields, 're-verified');
      else log.warn(fields, `an image on this node would be refused: ${message}`);
    },
  });
}
