// Keeps the host in step with its sources, and policy and trust in force in step with the host.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { watch } from 'chokidar';
import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import { AgentError } from '../../errors.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { installOnHost } from '../../node/host/install.ts';
import type { InForce } from '../../verifier/in-force.ts';
import { type Host, installRequest } from '../host-install.ts';
import type { Clock } from '../../audit/clock.ts';

/** What keeping in step needs. */
export interface InStepParts {
  readonly config: Config;
  readonly host: Host;
  readonly inForce: InForce;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock: Clock;
  /** Verdicts may differ from now on. */
  readonly onChange: () => void;
}

/** A ConfigMap swap and an editor's save are several events; one look after them is enough. */
const SETTLE_MS = 200;
/** Notifications can be lost (inotify's queue, network mounts); what they missed is found here. */
const LOOK_AGAIN_MS = 60_000;

/** What is known of the host's state; it starts as not installed. */
export class InStep {
  readonly #parts: InStepParts;
  /** Of policy and trust in force: how often they changed, and when last. */
  loaded: { readonly generation: number; readonly loadedAt: Date | null } = {
    generation: 0,
    loadedAt: null,
  };
  /** Why the host could not be brought in step; undefined while it is. */
  fault: AgentError | undefined;

  constructor(parts: InStepParts) {
    this.#parts = parts;
  }

  /**
   * Brings host and verdicts in step once. A source that is wrong in any part is refused whole: the
   * host keeps the last good generation. On a host that never had one, nothing is installed, because
   * a verifier without a policy would refuse every image.
   */
  async step(): Promise<void> {
    this.fault = await this.#install();
    await this.#read();
  }

  /** Steps again whenever a source or the host's own files change, until the signal aborts. */
  async follow(signal: AbortSignal): Promise<void> {
    const { config, host, clock } = this.#parts;
    const paths = [
      config.policySource,
      config.truststoreSource,
      host.policyFile,
      host.truststoreDir,
      join(host.root, host.layout.verifierFile),
    ].filter((path) => path !== undefined);
    let look = new AbortController();
    const lookSoon = () => {
      look.abort();
    };
    const watcher = watch(paths, { ignoreInitial: true, ignorePermissionErrors: true });
    watcher.on('all', lookSoon);
    // What changed before the watches were set is in no event.
    watcher.on('ready', lookSoon);
    watcher.on('error', (error) => {
      this.#parts.log.warn({ error: String(error) }, 'a file watch failed');
    });
    try {
      for (;;) {
        await clock.sleep(LOOK_AGAIN_MS, AbortSignal.any([signal, look.signal]));
        await clock.sleep(SETTLE_MS, signal);
        if (signal.aborted) return;
        // Before the step: what changes while it reads must be looked at once more.
        look = new AbortController();
        await this.step();
      }
    } finally {
      await watcher.close();
    }
  }

  async #install(): Promise<AgentError | undefined> {
    const { config, host, metrics, log } = this.#parts;
    try {
      const { changed, left } = await installOnHost(await installRequest(config, host));
      metrics.setVerifierInstalled(true);
      metrics.countHostChanges(changed.length);
      if (changed.length > 0) log.info({ changed, left }, 'the host was changed');
      return undefined;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      metrics.setVerifierInstalled(existsSync(join(host.root, host.layout.verifierFile)));
      if (error.code !== this.fault?.code || error.message !== this.fault.message) {
        const { code, message, faults } = error;
        log.error({ code, faults }, `the host was left as it is: ${message}`);
        metrics.countError(code);
      }
      return error;
    }
  }

  async #read(): Promise<void> {
    const { inForce, metrics, log, clock, onChange } = this.#parts;
    const { changed, policyError, trustErrors, certificates } = await inForce.read();
    // What was offered counts, be it refused on its way to the host or by its own reading.
    metrics.setPolicyValid(policyError === undefined && !isAbout(this.fault, 'policy'));
    metrics.setTruststoreValid(trustErrors.length === 0 && !isAbout(this.fault, 'truststore'));
    if (!changed) return;
    const loaded = { generation: this.loaded.generation + 1, loadedAt: clock.now() };
    this.loaded = loaded;
    metrics.setPolicy(loaded);
    metrics.setTruststore({ ...loaded, certificates });
    for (const { code, message } of [...trustErrors, ...(policyError ? [policyError] : [])]) {
      log.error({ code }, message);
    }
    log.info({ ...inForce.hashes, certificates }, 'policy and trust are in force');
    onChange();
  }
}

function isAbout(error: AgentError | undefined, subject: 'policy' | 'truststore'): boolean {
  return error?.code.startsWith(`${subject}_`) ?? false;
}
