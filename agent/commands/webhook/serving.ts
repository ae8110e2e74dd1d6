// Keeps the webhook's certificate in step with its source: what is served, and whether it is good.
import type { Logger } from 'pino';
import type { Clock } from '../../audit/clock.ts';
import { AgentError } from '../../errors.ts';
import type { WebhookMetrics } from '../../metrics/webhook-metrics.ts';
import type { HeldCertificate } from '../../webhook/held-certificates.ts';
import type { WebhookServer } from '../../webhook/server.ts';
import type { ServingSource } from './serving-source.ts';
import { isoTime } from '../../utc.ts';

export interface ServingParts {
  readonly source: ServingSource;
  readonly metrics: Pick<WebhookMetrics, 'setServingCertificateEnd' | 'countError'>;
  readonly log: Pick<Logger, 'info' | 'error'>;
  readonly clock: Clock;
}

/** Between two tries while there is nothing to serve with. */
const RETRY_MS = 2_000;

/** Knows which certificate is served. */
export class Serving {
  readonly #parts: ServingParts;
  #served: HeldCertificate | undefined;
  #fault: AgentError | undefined;

  constructor(parts: ServingParts) {
    this.#parts = parts;
  }

  /** Why there is no good certificate; undefined while there is. An expired one is none. */
  get fault(): string | undefined {
    const { clock } = this.#parts;
    if (this.#served === undefined) return this.#fault?.message ?? 'no certificate was read yet';
    const { notAfter } = this.#served;
    return notAfter > clock.now() ? undefined : `the certificate ended ${isoTime(notAfter)}`;
  }

  /** The first certificate; undefined where the signal aborts before there is one. */
  async first(signal: AbortSignal): Promise<HeldCertificate | undefined> {
    while (!signal.aborted) {
      const found = await this.#look(signal);
      if (found !== undefined) return found;
      await this.#parts.clock.sleep(RETRY_MS, signal);
    }
    return undefined;
  }

  /** Renews what the server serves, until the signal aborts. */
  async run(server: Pick<WebhookServer, 'renew'>, signal: AbortSignal): Promise<void> {
    const { source, clock, log } = this.#parts;
    for (;;) {
      await clock.sleep(source.intervalMs, signal);
      if (signal.aborted) return;
      const before = this.#served?.certificate;
      const found = await this.#look(signal);
      if (found === undefined || found.certificate === before) continue;
      server.renew(found);
      log.info({ until: isoTime(found.notAfter) }, 'another certificate is served');
    }
  }

  async #look(signal: AbortSignal): Promise<HeldCertificate | undefined> {
    const { source, metrics } = this.#parts;
    try {
      const found = await source.look(signal);
      this.#served = found;
      this.#fault = undefined;
      metrics.setServingCertificateEnd(found.notAfter);
      return found;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.#tell(error, signal);
      return undefined;
    }
  }

  /** Says a fault once, for as long as it stays the same. */
  #tell(error: AgentError, signal: AbortSignal): void {
    // At the end of the process nobody waits for what is broken off.
    if (signal.aborted) return;
    const { metrics, log } = this.#parts;
    metrics.countError(error.code);
    if (this.#fault?.message !== error.message) {
      log.error({ code: error.code }, `the certificate of the webhook: ${error.message}`);
    }
    this.#fault = error;
  }
}
