// `nodeseal webhook`: answers the API server whether pods and workloads may have their images.
import { type Logger, pino } from 'pino';
import { SYSTEM_CLOCK } from '../audit/clock.ts';
import { type Config, parseConfig } from '../config.ts';
import { renderNotice } from '../metrics/page/document.ts';
import { startMetricsServer } from '../metrics/server.ts';
import { createWebhookMetrics, type WebhookMetrics } from '../metrics/webhook-metrics.ts';
import { SERVICE_ACCOUNT_DIR } from '../node/kubernetes/in-cluster.ts';
import { createEvidenceSources } from '../verifier/evidence-sources.ts';
import { InForce } from '../verifier/in-force.ts';
import { VERSION } from '../version.ts';
import type { ReviewPath } from '../webhook/review.ts';
import { startWebhookServer, type WebhookServer } from '../webhook/server.ts';
import { parseArguments } from './arguments.ts';
import type { Command, CommandContext, ExitCode } from './command.ts';
import { hostOf, registryCa } from './host-install.ts';
import { auditLogger } from './run/audit-log.ts';
import { keepHeapFlat } from './run/heap.ts';
import { openBundle } from './run/carried-bundle.ts';
import { untilAllEnd } from './run/parts.ts';
import { createProxyOf } from './run/proxies.ts';
import { RegistryHosts } from './run/registry-hosts.ts';
import { AdmissionRegistries } from './webhook/admission-registries.ts';
import { AdmissionVerifiers } from './webhook/admission-verifiers.ts';
import { chooseServingSource } from './webhook/choose-serving-source.ts';
import { FollowedTrust } from './webhook/followed-trust.ts';
import { answerReview } from './webhook/reviewer.ts';
import { Serving } from './webhook/serving.ts';
import type { ServingSource } from './webhook/serving-source.ts';

const HELP = `Usage: nodeseal webhook

Answers the API server of Kubernetes whether pods and workloads may have their images: /validate, and
/mutate if that is on, over HTTPS. Tells nodes what it would decide, to be compared: /compare. Serves /metrics, /healthz and /readyz as well. Set up by the
NODESEAL_ settings; nothing on the host is read or changed.

Exit status: 0 stopped by a signal, 2 could not run.
`;

/** The command. */
export const webhook: Command = {
  name: 'webhook',
  summary: 'Answer the API server whether pods may have their images',
  help: HELP,
  run: (context) => {
    keepHeapFlat();
    return runWebhook(context);
  },
};

/** How long requests still come after the end was asked for: a Service forgets a pod only then. */
const DRAIN_MS = 4_000;

/** What differs where the webhook is no pod. */
export interface WebhookSurroundings {
  readonly serviceAccountDir: string;
  readonly drainMs: number;
}

const POD: WebhookSurroundings = { serviceAccountDir: SERVICE_ACCOUNT_DIR, drainMs: DRAIN_MS };

/** The same, for tests in other surroundings. Throws as a command does. */
export async function runWebhook(
  { args, environment, stdout, signal }: CommandContext,
  surroundings: WebhookSurroundings = POD,
): Promise<ExitCode> {
  parseArguments(args, {}, []);
  const config = parseConfig(environment);
  const log = pino({ level: config.logLevel, base: null }, stdout);
  const auditLog = auditLogger(stdout);
  const source = chooseServingSource(config, environment, { log, ...surroundings });
  const inForce = new InForce(...trustPlaces(config));
  const proxyOf = createProxyOf(environment, () => null);
  const bundle = await openBundle(config, SYSTEM_CLOCK.now(), log);
  const evidence = createEvidenceSources({
    ...{ clock: SYSTEM_CLOCK, bundle, pluginDir: config.pluginDir },
    proxies: { of: proxyOf, ca: registryCa(config) },
  });
  const metrics = createWebhookMetrics({
    ...{ version: VERSION, mode: config.mode, namesRegistry: inForce.namesRegistry },
    trust: () => ({ ...inForce.hashes, expiries: inForce.expiries, ...evidence.staleness() }),
  });
  const { serviceAccountDir } = surroundings;
  const registries = new AdmissionRegistries({
    ...{ config, environment, serviceAccountDir, proxyOf, metrics, log, clock: SYSTEM_CLOCK },
  });
  const verifiers = new AdmissionVerifiers({
    ...{ evidence, bundle, inForce, clock: SYSTEM_CLOCK },
    hasPullSecrets: config.pullSecrets === 'on',
    openRegistry: registries.open,
  });
  try {
    const { drainMs } = surroundings;
    const made = { inForce, metrics, registries, verifiers, source };
    const ground = { config, log, auditLog, ...made, drainMs };
    await work(ground, signal);
    return 0;
  } finally {
    await Promise.all([verifiers.close(), evidence.close()]);
    log.info('stopped');
  }
}

/** What every part is made from. */
interface Ground {
  readonly config: Config;
  readonly log: Logger;
  readonly auditLog: Logger;
  readonly inForce: InForce;
  readonly metrics: WebhookMetrics;
  readonly registries: AdmissionRegistries;
  readonly verifiers: AdmissionVerifiers;
  readonly source: ServingSource;
  readonly drainMs: number;
}

async function work(ground: Ground, signal: AbortSignal): Promise<void> {
  const { config, log, inForce, metrics, source } = ground;
  const [policyFile, truststoreDir] = trustPlaces(config);
  const trust = new FollowedTrust({
    ...{ policyFile, truststoreDir, inForce, metrics, log, clock: SYSTEM_CLOCK },
  });
  const hosts = new RegistryHosts({
    place: ground.registries.hosts,
    ...{ metrics, log, clock: SYSTEM_CLOCK },
  });
  const serving = new Serving({ source, metrics, log, clock: SYSTEM_CLOCK });
  await trust.read();
  const reasons = (): readonly string[] => [
    ...(inForce.isUsable ? [] : ['no trust policy is in force']),
    ...(serving.fault === undefined ? [] : [serving.fault]),
    ...(signal.aborted ? ['it is being stopped'] : []),
  ];
  // Before there is a certificate: whoever waits for the webhook is to be told for what it waits.
  const health = await startMetricsServer({
    ...{ ...config.listen, metrics },
    ready: () => ({ ready: reasons().length === 0, reasons: reasons() }),
    page: () => renderNotice('This is the webhook. Its metrics are at /metrics.'),
    report: () => ({ version: VERSION, ready: reasons().length === 0, reasons: reasons() }),
    onError: (error) => {
      log.error({ error: String(error) }, 'a request failed');
    },
  });
  try {
    const certificate = await serving.first(signal);
    if (certificate === undefined) return;
    const server = await startWebhookServer({
      ...{ ...config.webhookListen, certificate, deadlineMs: config.webhookTimeout },
      paths: new Set<ReviewPath>([
        'validate',
        'compare',
        ...(config.webhookMutate === 'on' ? (['mutate'] as const) : []),
      ]),
      ...reviewing(ground),
    });
    try {
      log.info({ port: server.port, healthPort: health.port, version: VERSION }, 'running');
      const stop = new AbortController();
      const ending = AbortSignal.any([signal, stop.signal]);
      await untilAllEnd([trust.run(ending), serving.run(server, ending), hosts.run(ending)], stop);
      await drained(server, ground.drainMs);
    } finally {
      await server.close();
    }
  } finally {
    await health.close();
  }
}

function reviewing({ config: { mode }, metrics, log, auditLog, verifiers }: Ground) {
  const parts = {
    ...{ mode, metrics, auditLog },
    elapsedMs: () => performance.now(),
    verify: verifiers.verify.bind(verifiers),
  };
  return {
    review: (asked: Parameters<typeof answerReview>[0]) => answerReview(asked, parts),
    onRefused: (status: number, fault: string) => {
      metrics.countRefusedRequest();
      log.debug({ status }, `a request was refused: ${fault}`);
    },
    onError: (error: unknown) => {
      log.error({ error: String(error) }, 'a review failed');
    },
  };
}

/** Goes on answering while others still send here; each answer sends them elsewhere. */
async function drained(server: WebhookServer, drainMs: number): Promise<void> {
  server.drain();
  await SYSTEM_CLOCK.sleep(drainMs, new AbortController().signal);
}

function trustPlaces(config: Config): [policyFile: string, truststoreDir: string] {
  const { policyFile, truststoreDir } = hostOf(config);
  return [config.policySource ?? policyFile, config.truststoreSource ?? truststoreDir];
}
