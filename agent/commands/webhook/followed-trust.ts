// Keeps policy and trust in force in step with their files, for as long as the webhook runs.
import { watch } from 'chokidar';
import type { Logger } from 'pino';
import type { Clock } from '../../audit/clock.ts';
import type { WebhookMetrics } from '../../metrics/webhook-metrics.ts';
import type { InForce } from '../../verifier/in-force.ts';

export interface FollowedTrustParts {
  readonly policyFile: string;
  readonly truststoreDir: string;
  /** Over the same files. */
  readonly inForce: InForce;
  readonly metrics: Pick<
    WebhookMetrics,
    'setPolicy' | 'setPolicyValid' | 'setTruststore' | 'setTruststoreValid' | 'countError'
  >;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly clock: Clock;
}

/** A ConfigMap swap is several events; one look after them is enough. */
const SETTLE_MS = 200;
/** Notifications can be lost; what they missed is found here. */
const LOOK_AGAIN_MS = 60_000;

/** Reads policy and trust, at once and whenever they change. */
export class FollowedTrust {
  readonly #parts: FollowedTrustParts;
  #generation = 0;

  constructor(parts: FollowedTrustParts) {
    this.#parts = parts;
  }

  /** Reads once. A policy that is refused leaves the last good one in force. */
  async read(): Promise<void> {
    const { inForce, metrics, log, clock } = this.#parts;
    const { changed, policyError, trustErrors, certificates } = await inForce.read();
    metrics.setPolicyValid(policyError === undefined);
    metrics.setTruststoreValid(trustErrors.length === 0);
    for (const { code, message } of [...trustErrors, ...(policyError ? [policyError] : [])]) {
      metrics.countError(code);
      log.error({ code }, message);
    }
    if (!changed) return;
    this.#generation += 1;
    const generation = { generation: this.#generation, loadedAt: clock.now() };
    metrics.setPolicy(generation);
    metrics.setTruststore({ ...generation, certificates });
    log.info({ ...inForce.hashes, certificates }, 'policy and trust are in force');
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { policyFile, truststoreDir, clock, log } = this.#parts;
    let look = new AbortController();
    const watcher = watch([policyFile, truststoreDir], { ignoreInitial: true });
    for (const event of ['all', 'ready'] as const) {
      watcher.on(event, () => {
        look.abort();
      });
    }
    watcher.on('error', (error) => {
      log.warn({ error: String(error) }, 'a file watch failed');
    });
    try {
      for (;;) {
        await clock.sleep(LOOK_AGAIN_MS, AbortSignal.any([signal, look.signal]));
        await clock.sleep(SETTLE_MS, signal);
        if (signal.aborted) return;
        // Before it is read: what changes meanwhile must be looked at once more.
        look = new AbortController();
        await this.read();
      }
    } finally {
      await watcher.close();
    }
  }
}
