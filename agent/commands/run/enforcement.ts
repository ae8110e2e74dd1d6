// Whether this node enforces: connects the canary and its watch with containerd, the journal, the host and the metrics.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { watch } from 'chokidar';
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
  readonly ledger: Pick<Ledger, 'events'>;
  readonly verifier: CanaryVerifierParts;
  readonly metrics: Pick<Metrics, 'countCanary' | 'countError'>;
  readonly log: Logger;
  readonly clock: Clock;
  readonly breakGlass: Pick<BreakGlassWatch, 'now'>;
}

/** The closed set of the codes of causes. */
export const CAUSE_CODES: readonly string[] = [...Object.keys(CAUSES), ...Object.keys(FINDINGS)];

/** Its root file and drop-ins, where containerd looks for them by itself. */
const CONFIGURATION = ['etc/containerd/config.toml', 'etc/containerd/conf.d'];

/** Canary, findings and the watch over them. */
export class Enforcing {
  readonly #parts: EnforcingParts;
  readonly #client: ContainerdClient;
  readonly canary: Canary;
  readonly watch: EnforcementWatch;

  constructor(parts: EnforcingParts) {
    const { config, host, ledger, metrics, log, clock, verifier, breakGlass } = parts;
    const client = createContainerdClient(join(config.hostRoot, config.containerdSocket));
    this.#parts = parts;
    this.#client = client;
    this.canary = createCanary(client, host.layout.verifierFile, {
      ...verifier,
      onIncident: ({ code, message }) => {
        metrics.countError(code);
        log.warn({ code }, message);
      },
    });
    this.watch = new EnforcementWatch({
      canary: this.canary,
      events: () => ledger.events(),
      findings: findingsOf(client, config, host),
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
    const paths = [dirname(host.layout.verifierFile), ...CONFIGURATION];
    const watcher = watch(
      paths.map((path) => join(host.root, path)),
      { ignoreInitial: true, ignorePermissionErrors: true, depth: 0 },
    );
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
}

function openedBy(mode: PullMode, glass: BreakGlass): readonly Cause[] {
  return [
    ...(glass.state === 'active'
      ? [causeOf('break_glass', `It is so: ${describeBreakGlass(glass)}.`)]
      : []),
    ...(mode === 'audit' ? [causeOf('audit_mode')] : []),
  ];
}

function findingsOf(client: ContainerdClient, config: Config, host: Host) {
  const sources = {
    ...{ client, socketPath: config.containerdSocket },
    host: createHostReader(host.root),
    dump: createDump(host.root),
  };
  return async (signal: AbortSignal): Promise<readonly Suspicion[]> =>
    findFindings(await readNodeEvidence(sources, host.layout.verifierFile, signal));
}
