// Whether this node enforces: connects the canary and its watch with containerd, the journal, the host and the metrics.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import type { Logger } from 'pino';
import type { Clock } from '../../audit/clock.ts';
import type { Ledger } from '../../audit/ledger.ts';
import type { Config } from '../../config.ts';
import type { Canary } from '../../enforcement/canary.ts';
import type { CanaryVerifierParts } from '../../enforcement/canary-verifier.ts';
import { type Cause, causeOf, CAUSES } from '../../enforcement/causes.ts';
import type { Suspicion } from '../../enforcement/state.ts';
import { EnforcementWatch } from '../../enforcement/watch.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { EnforcementReading } from '../../metrics/sources.ts';
import { type ContainerdClient, createContainerdClient } from '../../node/containerd/client.ts';
import { createDump } from '../../node/containerd/dump.ts';
import { readNodeEvidence } from '../../node/containerd/evidence.ts';
import { FINDINGS } from '../../node/containerd/finding.ts';
import { findFindings } from '../../node/containerd/findings.ts';
import { createHostReader } from '../../node/host/host-reader.ts';
import { type BreakGlass, describeBreakGlass } from '../../pull/break-glass.ts';
import type { PullMode } from '../../pull/mode.ts';
import type { Host } from '../host-install.ts';
import type { BreakGlassWatch } from './break-glass.ts';
import { createCanary } from './canary.ts';

/** What enforcement is made from. */
export interface EnforcingParts {
  readonly config: Config;
  readonly host: Host;
  readonly ledger: Pick<Ledger, 'events' | 'canaries'>;
  readonly verifier: CanaryVerifierParts;
  readonly metrics: Pick<Metrics, 'countCanary' | 'countError'>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly breakGlass: Pick<BreakGlassWatch, 'now'>;
  /** The state or its causes are others than before. */
  readonly onChange: () => void;
}

/** The closed set of the codes of causes. */
export const CAUSE_CODES: readonly string[] = [...Object.keys(CAUSES), ...Object.keys(FINDINGS)];

/** Where others are likely to make a change that nobody has read yet: the root file and the drop-ins of most nodes. */
const CONFIGURATION = ['/etc/containerd/config.toml', '/etc/containerd/conf.d'];

/** Canary, findings and the watch over them. */
export class Enforcing {
  readonly #parts: EnforcingParts;
  readonly #client: ContainerdClient;
  readonly #watched = new Set<string>();
  #watcher: FSWatcher | undefined;
  readonly canary: Canary;
  readonly watch: EnforcementWatch;

  constructor(parts: EnforcingParts) {
    const { config, host, ledger, metrics, log, clock, verifier, breakGlass, onChange } = parts;
    const client = createContainerdClient(join(config.hostRoot, config.containerdSocket));
    this.#parts = parts;
    this.#client = client;
    this.canary = createCanary(client, host.layout.verifierFile, {
      ...verifier,
      memory: ledger.canaries,
      onIncident: ({ code, message }) => {
        metrics.countError(code);
        log.warn({ code }, message);
      },
    });
    this.watch = new EnforcementWatch({
      canary: this.canary,
      events: () => ledger.events(),
      findings: (signal) => this.#findings(signal),
      missingVerifier: () => {
        const path = join(host.root, host.layout.verifierFile);
        return existsSync(path) ? undefined : host.layout.verifierFile;
      },
      opened: () => openedBy(config.mode, breakGlass.now),
      intervalMs: config.canaryInterval,
      ...{ clock, random: Math.random },
      onCanary: ({ kind }) => {
        metrics.countCanary(kind);
      },
      onChange: ({ state, causes }) => {
        const fields = { state, causes: causes.map(({ code, message }) => ({ code, message })) };
        if (state === 'enforcing') log.info(fields, 'this node enforces');
        else log.warn(fields, `enforcement is ${state}`);
        onChange();
      },
    });
  }

  /** For the metrics. */
  reading(): EnforcementReading {
    const { state, causes, provedAt } = this.watch.enforcement();
    return { state, causes: causes.map(({ code }) => code), provedAt };
  }

  /** Until the signal aborts. Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    const { host, log } = this.#parts;
    const options = { ignoreInitial: true, ignorePermissionErrors: true, depth: 0 };
    const watcher = watch([], options);
    this.#watcher = watcher;
    this.#look([dirname(host.layout.verifierFile), ...CONFIGURATION]);
    watcher.on('all', this.watch.wake);
    watcher.on('error', (error) => {
      log.warn({ error: String(error) }, 'a file watch failed');
    });
    try {
      await this.watch.run(signal);
    } finally {
      await watcher.close();
      this.#client.close();
    }
  }

  async #findings(signal: AbortSignal): Promise<readonly Suspicion[]> {
    const { config, host } = this.#parts;
    const sources = {
      ...{ client: this.#client, socketPath: config.containerdSocket },
      host: createHostReader(host.root),
      dump: createDump(host.root),
    };
    const evidence = await readNodeEvidence(sources, host.layout.verifierFile, signal);
    const { configPath, files } = evidence.config;
    this.#look([configPath, ...files.map(({ path }) => path), evidence.binDir.path]);
    return findFindings(evidence);
  }

  /** From now on a change of these paths of the host wakes the watch. */
  #look(paths: readonly string[]): void {
    const fresh = paths.filter((path) => path !== '' && !this.#watched.has(path));
    for (const path of fresh) this.#watched.add(path);
    this.#watcher?.add(fresh.map((path) => join(this.#parts.host.root, path)));
  }
}

function openedBy(mode: PullMode, glass: BreakGlass): readonly Cause[] {
  return [
    ...(glass.state === 'active'
      ? [causeOf('break_glass', `It is so: ${describeBreakGlass(glass)}.`)]
      : []),
    ...(mode === 'audit' ? [causeOf('audit_mode')] : []),
  ];
}
