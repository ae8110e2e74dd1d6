// Keeps the host in step with its sources, and policy and trust in force in step with the host.
import { existsSync } from 'node:fs';
import { watch } from 'chokidar';
import type { Logger } from 'pino';
import type { Clock } from '../../audit/clock.ts';
import type { Config } from '../../config.ts';
import { AgentError } from '../../errors.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Drift } from '../../node/host/drift.ts';
import { KnownContent } from '../../node/host/content.ts';
import { installOnHost, type InstallRequest } from '../../node/host/install.ts';
import type { InForce } from '../../verifier/in-force.ts';
import { installRequest } from '../host-install.ts';
import type { FollowedHost } from './followed-host.ts';
import { HostTouch } from './host-touch.ts';

/** What keeping in step needs. */
export interface InStepParts {
  readonly config: Config;
  readonly host: FollowedHost;
  readonly inForce: InForce;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly clock: Clock;
  /** Verdicts may differ from now on. */
  readonly onChange: () => void;
  /** Others touched our files, or `bin_dir`. */
  readonly onTouch: () => void;
}

/** A ConfigMap swap and an editor's save are several events; one look after them is enough. */
const SETTLE_MS = 200;
/** Notifications tell neither of modes and owners nor of mounts; this look does, and costs milliseconds. */
const TOUCH_MS = 2_000;
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
  readonly #touch: HostTouch;
  readonly #verifier = new KnownContent();
  #stepping: Promise<void> = Promise.resolve();
  #lastGood: InstallRequest | undefined;
  /** What others did and could not be put right; it counts once. */
  #unmended: ReadonlySet<string> = new Set();

  constructor(parts: InStepParts) {
    this.#parts = parts;
    this.#touch = new HostTouch(parts.host);
  }

  /**
   * Brings host and verdicts in step once. A source that is wrong in any part is refused whole: the
   * host keeps the last good generation, and whatever others do to that is put right. On a host that
   * never had one, nothing is installed, because a verifier without a policy would refuse every image.
   * Steps that are asked for while one is under way come after it.
   */
  step(): Promise<void> {
    const step = this.#stepping.then(() => this.#step());
    // Whoever asked for it is told of its fault.
    this.#stepping = step.catch(() => undefined);
    return step;
  }

  async #step(): Promise<void> {
    await this.#touch.around(async () => {
      const { fault, hasChanged } = await this.#install();
      this.fault = fault;
      return { hasChanged };
    });
    await this.#read();
  }

  /**
   * Steps again whenever a source or the host's own files change, until the signal aborts. What is
   * done to a verifier that has moved since is found by the look alone, a moment later.
   */
  async follow(signal: AbortSignal): Promise<void> {
    const { config, host, clock } = this.#parts;
    const paths = [
      config.policySource,
      config.truststoreSource,
      host.now.policyFile,
      host.now.truststoreDir,
      host.verifierHere,
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
        await this.#untouched(AbortSignal.any([signal, look.signal]));
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

  /** Until the signal aborts, somebody touches the host, or it is time to look whatever was told. */
  async #untouched(signal: AbortSignal): Promise<void> {
    const { clock, onTouch } = this.#parts;
    for (let waitedMs = 0; waitedMs < LOOK_AGAIN_MS; waitedMs += TOUCH_MS) {
      await clock.sleep(TOUCH_MS, signal);
      if (signal.aborted) return;
      const found = await this.#touch.look();
      if (found === 'touched') onTouch();
      if (found !== 'same') return;
    }
  }

  async #install(): Promise<{ fault: AgentError | undefined; hasChanged: boolean }> {
    const { host, metrics, log } = this.#parts;
    let refused: AgentError | undefined;
    try {
      const wanted = await this.#request();
      refused = wanted.refused;
      this.#touch.expect(wanted.request);
      const { changed, left } = await installOnHost({
        ...wanted.request,
        verifierContent: this.#verifier,
        onDrift: (drift) => {
          this.#tellDrift(drift);
        },
      });
      this.#unmended = new Set();
      metrics.setVerifierInstalled(true);
      metrics.countHostChanges(changed.length);
      if (changed.length > 0) log.info({ changed, left }, 'the host was changed');
      return { fault: this.#told(refused), hasChanged: changed.length > 0 };
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      metrics.setVerifierInstalled(existsSync(host.verifierHere));
      return { fault: this.#told(refused ?? error), hasChanged: false };
    }
  }

  /**
   * What the host should hold. Where the sources are refused, that is the last good generation: the
   * one of this process, else the one on the host, with the verifier that came with this agent.
   */
  async #request(): Promise<{ request: InstallRequest; refused?: AgentError }> {
    const { config, host } = this.#parts;
    try {
      this.#lastGood = await installRequest(config, host.now);
      return { request: this.#lastGood };
    } catch (refused) {
      if (!(refused instanceof AgentError)) throw refused;
      const { layout } = host.now;
      if (this.#lastGood !== undefined) {
        return { request: { ...this.#lastGood, layout }, refused };
      }
      try {
        return { request: await installRequest(withoutSources(config), host.now), refused };
      } catch {
        // The host has none either: what was offered is what is to be mended.
        throw refused;
      }
    }
  }

  /** Says a fault once, for as long as it stays the same. */
  #told(fault: AgentError | undefined): AgentError | undefined {
    if (fault === undefined) return undefined;
    const { code, message, faults } = fault;
    if (code !== this.fault?.code || message !== this.fault.message) {
      this.#parts.log.error({ code, faults }, `the host was left as it is: ${message}`);
      this.#parts.metrics.countError(code);
    }
    return fault;
  }

  #tellDrift(drift: readonly Drift[]): void {
    const { metrics, log, onTouch } = this.#parts;
    const keyOf = ({ path, kind }: Drift) => `${kind} ${path}`;
    const found = drift.filter((one) => !this.#unmended.has(keyOf(one)));
    this.#unmended = new Set(drift.map(keyOf));
    if (found.length === 0) return;
    for (const { place, kind } of found) metrics.countHostDrift(place, kind);
    log.warn({ drift: found }, 'others touched our files on the host');
    onTouch();
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

function withoutSources(config: Config): Config {
  return { ...config, policySource: undefined, truststoreSource: undefined };
}

function isAbout(error: AgentError | undefined, subject: 'policy' | 'truststore'): boolean {
  return error?.code.startsWith(`${subject}_`) ?? false;
}
