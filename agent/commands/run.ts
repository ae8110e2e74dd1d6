// `nodeseal run`: the DaemonSet's process. Parts are made in order of dependency and stopped in reverse.
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { SYSTEM_CLOCK } from '../audit/clock.ts';
import { inventoryCounter } from '../audit/image-counts.ts';
import type { Ledger } from '../audit/ledger.ts';
import { type Config, parseConfig } from '../config.ts';
import { keepMemoryOutOfCoreDumps } from '../core-dump.ts';
import type { Canary } from '../enforcement/canary.ts';
import type { CanaryVerifierParts } from '../enforcement/canary-verifier.ts';
import { createMetrics, type Metrics } from '../metrics/metrics.ts';
import { startAgentServer } from '../pull/agent-server.ts';
import { readBreakGlass } from '../pull/break-glass-file.ts';
import { createEvidenceSources, type Staleness } from '../verifier/evidence-sources.ts';
import type { Bundle } from '../verifier/bundle/bundle.ts';
import { InForce } from '../verifier/in-force.ts';
import type { Verifier } from '../verifier/verifier.ts';
import { VERSION } from '../version.ts';
import { parseArguments } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { findBinDirs } from './bin-dirs.ts';
import { BreakGlassWatch } from './run/break-glass.ts';
import { openBundle } from './run/carried-bundle.ts';
import { followRunning } from './run/containers.ts';
import { CAUSE_CODES, Enforcing } from './run/enforcement.ts';
import { collectRegularly } from './run/heap.ts';
import { FollowedHost } from './run/followed-host.ts';
import { Images } from './run/images.ts';
import { auditLogger } from './run/audit-log.ts';
import { noteInstallation } from './run/installation.ts';
import { InStep } from './run/in-step.ts';
import { type KubernetesAccess, kubernetesOf, KubernetesReports } from './run/kubernetes.ts';
import { logSourcesOf } from './run/log-sources.ts';
import { Logs } from './run/logs.ts';
import { openNodeLedger } from './run/node-ledger.ts';
import { untilAllEnd } from './run/parts.ts';
import { serve } from './run/serving.ts';
import { RegistryHosts } from './run/registry-hosts.ts';
import { AgentRegistry } from './run/registry.ts';
import { Settling } from './run/settling.ts';
import { auditSource, Trail } from './run/trail.ts';
import { createVerifiers } from './run/verifiers.ts';

const HELP = `Usage: nodeseal run

Installs the verifier with its policy and trust on the host, answers it on a socket, follows
containerd's journal and image store, verifies every image on the node out of band, and serves
/metrics, /healthz, /readyz and a status page. Set up by the NODESEAL_ settings.

Exit status: 0 stopped by a signal, 2 could not run.
`;

/** The command. */
export const run: Command = {
  name: 'run',
  summary: 'Run the agent of this node',
  help: HELP,
  run: runAgent,
};

/** What every part is made from. */
interface Ground {
  readonly config: Config;
  readonly host: FollowedHost;
  readonly log: Logger;
  readonly auditLog: Logger;
  readonly ledger: Ledger;
  readonly inForce: InForce;
  /** What verdicts are made from beside policy and trust. */
  readonly verdicts: CanaryVerifierParts;
  readonly registry: AgentRegistry;
  /** Signatures and CRLs that were carried in, if any were. */
  readonly bundle: Bundle | undefined;
  readonly staleness: () => Staleness;
  /** If there is a Kubernetes to ask and to tell. */
  readonly kubernetes: KubernetesAccess | undefined;
}

async function runAgent({ args, environment, stdout, signal }: CommandContext): Promise<ExitCode> {
  parseArguments(args, {}, []);
  const config = parseConfig(environment);
  keepMemoryOutOfCoreDumps();
  collectRegularly();
  const log = pino({ level: config.logLevel, base: null }, stdout);
  const auditLog = auditLogger(stdout);
  const found = await findBinDirs(config, signal);
  if (found.refused !== null) log.warn({ code: found.refused.code }, found.refused.message);
  const host = new FollowedHost(config, found);
  const registry = new AgentRegistry({ config, environment, host, clock: SYSTEM_CLOCK, log });
  const bundle = await openBundle(config, SYSTEM_CLOCK.now(), log);
  const evidence = createEvidenceSources({
    ...{ clock: SYSTEM_CLOCK, bundle, proxies: registry.proxies },
    pluginDir: host.now.pluginDir,
    crlCacheDir: join(config.stateDir, 'crl'),
  });
  const ledger = openNodeLedger(config);
  const inForce = new InForce(host.now.policyFile, host.now.truststoreDir);
  const verdicts = { registry: registry.client, evidence, clock: SYSTEM_CLOCK };
  try {
    const kubernetes = kubernetesOf(config, environment, log);
    const staleness = () => evidence.staleness();
    const kept = { ledger, inForce, verdicts, registry, bundle, staleness };
    await work({ config, host, log, auditLog, ...kept, kubernetes }, signal);
    return 0;
  } finally {
    ledger.close();
    await Promise.all([registry.client.close(), evidence.close()]);
    log.info('stopped');
  }
}

async function work(ground: Ground, signal: AbortSignal): Promise<void> {
  const { config, host, log, ledger, inForce, verdicts } = ground;
  // One part that ends by a fault ends the others: half an agent would look like a whole one.
  const stop = new AbortController();
  const ending = AbortSignal.any([signal, stop.signal]);

  ledger.noteFirst('began', now());
  const inventory = inventoryCounter(ledger);
  const metrics = createMetrics({
    version: VERSION,
    totals: () => ({ verdicts: ledger.totals(), containerdEvents: ledger.events() }),
    mode: config.mode,
    breakGlass: () => breakGlass.until,
    inventory,
    logLags: () => logs.lags,
    enforcement: () => enforcing.reading(),
    causeCodes: CAUSE_CODES,
    canaryIntervalMs: config.canaryInterval,
    namesRegistry: inForce.namesRegistry,
    trust: () => ({ ...inForce.hashes, expiries: inForce.expiries, ...ground.staleness() }),
    ...auditSource(ledger),
    pulls: () => ledger.pulls.totals(),
  });
  ground.registry.countBy(metrics);
  const { pulls: verifier, outOfBand } = createVerifiers({ ...ground, metrics });
  const breakGlass = new BreakGlassWatch({
    read: (at) => readBreakGlass(join(config.hostRoot, host.now.layout.breakGlassFile), at),
    ...{ clock: SYSTEM_CLOCK, log, metrics },
    onTurn: () => {
      watch.wake();
    },
  });
  const enforcing = new Enforcing({
    ...{ config, host, ledger, verifier: verdicts, metrics, log, clock: SYSTEM_CLOCK, breakGlass },
    onMove: (): Promise<void> => inStep.step(),
    onChange: () => reports?.stateChanged(),
  });
  const reports = reportsOf(ground, enforcing, metrics);
  const { watch, canary } = enforcing;
  const logs = new Logs(logSourcesOf(config, host), {
    ...{ ledger, metrics, log, now, canaries: canary.own },
    onTurn: watch.heard,
  });
  const settling = new Settling({ ledger, lags: () => logs.lags, clock: SYSTEM_CLOCK });
  const images = new Images({
    ...{ ...imagesOf(config), ledger, verifier: outOfBand, inForce, metrics, log },
    canaries: canary.own,
    onGone: watch.containerdGone,
  });
  const registryHosts = new RegistryHosts({
    place: ground.registry.hosts,
    ...{ metrics, log, clock: SYSTEM_CLOCK },
  });
  const trail = new Trail({ ...ground, metrics, onAdd: () => reports?.linesAdded() });
  const inStep = new InStep({
    ...{ config, host, inForce, metrics, log, clock: SYSTEM_CLOCK },
    onChange: () => {
      noteInstallation(ledger, host.now);
      images.wake();
    },
    onTouch: watch.wake,
  });

  // Bound before any work, so that probes are answered while the first installation runs.
  const server = await serve({
    ...{ config, host, log, ledger, metrics, inForce, inStep, images, journal: logs, enforcing },
    ...{ breakGlass, inventory, now },
  });
  try {
    await inStep.step();
    noteInstallation(ledger, host.now);
    const socket = await answerPulls(ground, { verifier, canary }, metrics);
    log.info({ port: server.port, version: VERSION }, 'running');
    try {
      const parts = [
        inStep.follow(ending),
        followRunning(
          {
            ...{ ...ground, ...imagesOf(config), metrics, clock: SYSTEM_CLOCK },
            ...{ pods: ground.kubernetes?.pods, onChange: reports?.containersChanged },
          },
          ending,
        ),
        // It names the sources of lines before there are any.
        ...[settling, ...logs.journals, images, enforcing, breakGlass, trail, registryHosts].map(
          (part) => part.run(ending),
        ),
        ...(reports === undefined ? [] : [reports.run(ending)]),
      ];
      await untilAllEnd(parts, stop);
    } finally {
      await socket.close();
    }
  } finally {
    await server.close();
  }
}

function reportsOf({ kubernetes, ...ground }: Ground, { watch }: Enforcing, metrics: Metrics) {
  if (kubernetes === undefined) return undefined;
  const enforcement = () => watch.enforcement();
  const world = { clock: SYSTEM_CLOCK, random: Math.random };
  return new KubernetesReports(kubernetes, { ...ground, ...world, enforcement, metrics });
}

function answerPulls(
  { config }: Ground,
  { verifier, canary }: { readonly verifier: Verifier; readonly canary: Canary },
  metrics: Metrics,
): ReturnType<typeof startAgentServer> {
  return startAgentServer({
    path: join(config.hostRoot, config.agentSocket),
    mode: config.mode,
    // Only the canary's own images, and only while they are pulled, are not for the policy in force.
    judge: (request, signal) => canary.judge(request, signal) ?? verifier.verify(request, signal),
    answered: (outcome) => {
      metrics.countAgentRequest(outcome);
    },
  });
}

function imagesOf(config: Config) {
  const socketPath = join(config.hostRoot, config.containerdSocket);
  const { reverifyInterval: intervalMs, reverifySpread: spreadMs, reverifyRate } = config;
  return { socketPath, intervalMs, spreadMs, perSecond: reverifyRate };
}

function now(): Date {
  return new Date();
}
