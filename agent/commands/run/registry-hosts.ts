// Looks after certs.d: what is wrong or unsafe in it is told when it is there, not when a pull fails.
import type { Logger } from 'pino';
import type { Clock } from '../../audit/clock.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { HostsPlace } from '../../verifier/registry/hosts/load-hosts.ts';
import { surveyHosts } from '../../verifier/registry/hosts/survey.ts';

/** A hosts.toml holds from the next pull on; its warning may come a moment later. */
const LOOK_AGAIN_MS = 60_000;

export interface RegistryHostsParts {
  readonly place: HostsPlace;
  readonly metrics: Pick<Metrics, 'setRegistryHosts'>;
  readonly log: Pick<Logger, 'warn' | 'info'>;
  readonly clock: Clock;
}

/** Says each thing once, for as long as it stays so. */
export class RegistryHosts {
  readonly #parts: RegistryHostsParts;
  #told: ReadonlySet<string> = new Set();

  constructor(parts: RegistryHostsParts) {
    this.#parts = parts;
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await this.look();
      await clock.sleep(LOOK_AGAIN_MS, signal);
    }
  }

  async look(): Promise<void> {
    const { place, metrics, log } = this.#parts;
    const { unverified, faults } = await surveyHosts(place);
    metrics.setRegistryHosts({ unverified: unverified.length, invalid: faults.length });
    const told = new Set<string>();
    for (const host of unverified) {
      told.add(host);
      if (this.#told.has(host)) continue;
      log.warn({ host }, 'skip_verify: the certificate of this registry host is not looked at');
    }
    for (const { code, message } of faults) {
      told.add(message);
      if (!this.#told.has(message)) log.warn({ code }, message);
    }
    if (told.size === 0 && this.#told.size > 0) log.info('registry hosts are all in order again');
    this.#told = told;
  }
}
