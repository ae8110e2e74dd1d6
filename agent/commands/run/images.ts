// What is on the node: containerd's images into the ledger, and each of them verified out of band.
import type { Logger } from 'pino';
import { SYSTEM_CLOCK } from '../../audit/clock.ts';
import { followInventory } from '../../audit/inventory.ts';
import type { Reverification } from '../../audit/reverification.ts';
import type { OwnImages } from '../../enforcement/own-images.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { type ContainerdClient, createContainerdClient } from '../../node/containerd/client.ts';
import { followImageEvents } from '../../node/containerd/events.ts';
import { getImage, listImages } from '../../node/containerd/images.ts';
import { withoutCanary } from './canary.ts';
import { createReverification, type ReverificationParts } from './reverification.ts';

/** What following the images needs. */
export interface ImagesParts extends Omit<ReverificationParts, 'listedAt'> {
  readonly socketPath: string;
  readonly log: Logger;
  /** The images to leave out. */
  readonly canaries: OwnImages;
  /** The connection to containerd broke. */
  readonly onGone: () => void;
}

/** Inventory and re-verification. */
export class Images {
  readonly #parts: ImagesParts;
  readonly #client: ContainerdClient;
  readonly #reverification: Reverification;
  /** When the ledger first had containerd's list; null before. */
  listedAt: Date | null = null;

  constructor(parts: ImagesParts) {
    this.#parts = parts;
    this.#client = createContainerdClient(parts.socketPath);
    this.#reverification = createReverification({ ...parts, listedAt: () => this.listedAt });
  }

  /** Whether the ledger has seen containerd's list. */
  get isReconciled(): boolean {
    return this.listedAt !== null;
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
        this.listedAt ??= SYSTEM_CLOCK.now();
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
