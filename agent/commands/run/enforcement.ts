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
import { AgentError } from '../../errors.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { EnforcementReading } from '../../metrics/sources.ts';
import { type ContainerdClient, createContainerdClient } from '../../node/containerd/client.ts';
import { createDump } from '../../node/containerd/dump.ts';
import { readEffectiveBinDir } from '../../node/containerd/effective-bin-dir.ts';
import type { EffectiveConfig } from '../../node/containerd/effective-config.ts';
import { readNodeEvidence } from '../../node/containerd/evidence.ts';
import { FINDINGS } from '../../node/containerd/finding.ts';
import { findFindings, type NodeEvidence } from '../../node/containerd/findings.ts';
import { verifierFiles } from '../../node/host/layout.ts';
import { createHostReader } from '../../node/host/host-reader.ts';
import { type BreakGlass, describeBreakGlass } from '../../pull/break-glass.ts';
import type { PullMode } from '../../pull/mode.ts';
import { readContainerdAccess } from '../containerd-proxies.ts';
import type { BreakGlassWatch } from './break-glass.ts';
import { createCanary } from './canary.ts';
import type { FollowedHost } from './followed-host.ts';

/** What enforcement is made from. */
export interface EnforcingParts {
  readonly config: Config;
  readonly host: FollowedHost;
  readonly ledger: Pick<Ledger, 'events' | 'canaries' | 'pulls'>;
  readonly verifier: CanaryVerifierParts;
  readonly metrics: Pick<Metrics, 'countCanary' | 'countError'>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly breakGlass: Pick<BreakGlassWatch, 'now'>;
  /** The verifier is to be elsewhere; resolves once that was tried. */
  readonly onMove: () => Promise<void>;
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
    this.canary = createCanary(client, host.now.layout.verifierFile, {
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
        const { root, layout } = host.now;
        return verifierFiles(layout).find((path) => !existsSync(join(root, path)));
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
    ledger.pulls.onUnjudged = this.watch.doubted;
  }

  /** For the metrics. */
  reading(): EnforcementReading {
    const { state, causes, provedAt } = this.watch.enforcement();
    const { lastCanary: last } = this.watch;
    const lastCanary = last === null ? null : { at: last.at, result: last.result.kind };
    return { state, causes: causes.map(({ code }) => code), provedAt, lastCanary };
  }

  /** Until the signal aborts. Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    const { host, log } = this.#parts;
    const options = { ignoreInitial: true, ignorePermissionErrors: true, depth: 0 };
    const watcher = watch([], options);
    this.#watcher = watcher;
    this.#look([dirname(host.now.layout.verifierFile), ...CONFIGURATION]);
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
    const { host, onMove } = this.#parts;
    let evidence = await this.#evidence(signal);
    if (await this.#follow(evidence.config, signal)) {
      // Before the canary, which would find what is about to be put right.
      await onMove();
      evidence = await this.#evidence(signal);
    }
    const { configPath, files } = evidence.config;
    const binDirs = verifierFiles(host.now.layout).map((path) => dirname(path));
    this.#look([configPath, ...files.map(({ path }) => path), evidence.binDir.path, ...binDirs]);
    return findFindings(evidence);
  }

  #evidence(signal: AbortSignal): Promise<NodeEvidence> {
    const { config, host } = this.#parts;
    const { root, layout } = host.now;
    const sources = {
      ...{ client: this.#client, socketPath: config.containerdSocket },
      ...{ host: createHostReader(root), dump: createDump(root) },
    };
    return readNodeEvidence(sources, layout.verifierFile, signal);
  }

  /** Whether the verifier is to be elsewhere than before. */
  async #follow(effective: EffectiveConfig, signal: AbortSignal): Promise<boolean> {
    const { config, host, log } = this.#parts;
    try {
      const reader = createHostReader(host.now.root);
      const found = await readEffectiveBinDir(effective, reader);
      const access = await readContainerdAccess(config, effective, reader, signal);
      const hasMoved = host.follow(found, access);
      if (hasMoved) {
        const { layout, registryHosts } = host.now;
        const now = { verifiers: verifierFiles(layout), registryHosts };
        log.info(now, 'containerd looks elsewhere than before');
      }
      return hasMoved;
    } catch (error) {
      // It is a finding, and the verifier stays where it is.
      if (error instanceof AgentError && error.code === 'bin_dir_unusable') return false;
      throw error;
    }
  }

  /** From now on a change of these paths of the host wakes the watch. */
  #look(paths: readonly string[]): void {
    const fresh = paths.filter((path) => path !== '' && !this.#watched.has(path));
    for (const path of fresh) this.#watched.add(path);
    this.#watcher?.add(fresh.map((path) => join(this.#parts.host.now.root, path)));
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
