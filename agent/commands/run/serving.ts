// What the agent tells over HTTP: whether it is ready, its metrics and its status.
import type { Logger } from 'pino';
import type { Ledger } from '../../audit/ledger.ts';
import type { Config } from '../../config.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { renderPage } from '../../metrics/page/page.ts';
import { type MetricsServer, startMetricsServer } from '../../metrics/server.ts';
import type { InventoryCounts } from '../../metrics/sources.ts';
import type { InForce } from '../../verifier/in-force.ts';
import { VERSION } from '../../version.ts';
import type { BreakGlassWatch } from './break-glass.ts';
import type { FollowedHost } from './followed-host.ts';
import type { Enforcing } from './enforcement.ts';
import type { Images } from './images.ts';
import type { InStep } from './in-step.ts';
import type { Journal } from './journal.ts';
import { Status } from './status.ts';
import { statusPage, type StatusPageParts } from './status-page.ts';

/** What is told of. */
export interface ServedParts {
  readonly config: Config;
  readonly host: Pick<FollowedHost, 'verifierHere'>;
  readonly log: Logger;
  readonly ledger: Ledger;
  readonly metrics: Metrics;
  readonly inForce: InForce;
  readonly inStep: InStep;
  readonly images: Pick<Images, 'isReconciled'>;
  readonly journal: Pick<Journal, 'lagSeconds'>;
  readonly enforcing: Pick<Enforcing, 'watch'>;
  readonly breakGlass: BreakGlassWatch;
  readonly inventory: () => InventoryCounts;
  readonly now: () => Date;
}

/** Serves until closed. Throws `setting_invalid` when it cannot listen. */
export function serve(parts: ServedParts): Promise<MetricsServer> {
  const { config, log, metrics } = parts;
  const told = toldOf(parts);
  const status = new Status(told);
  return startMetricsServer({
    ...config.listen,
    metrics,
    ready: () => ({ ready: reasons(parts).length === 0, reasons: reasons(parts) }),
    page: (query) => renderPage(statusPage(told, query)),
    report: () => status.report(),
    onError: (error) => {
      log.error({ error: String(error) }, 'a request failed');
    },
  });
}

/** Ready: the verifier is on the host with a policy in force, and the node's images are known. */
function reasons({ inStep, inForce, images }: ServedParts): readonly string[] {
  return [
    ...(inStep.fault === undefined ? [] : [inStep.fault.message]),
    ...(inForce.isUsable ? [] : ['no trust policy is in force']),
    ...(images.isReconciled ? [] : ['the images of containerd are not known yet']),
  ];
}

function toldOf(parts: ServedParts): StatusPageParts {
  const { config, host, ledger, inForce, inStep, journal, enforcing, breakGlass, now } = parts;
  return {
    ...{ version: VERSION, now, mode: config.mode, inventory: parts.inventory },
    verifierFile: () => host.verifierHere,
    breakGlass: () => breakGlass.now,
    problems: () => reasons(parts),
    enforcement: () => enforcing.watch.enforcement(),
    policy: () => ({ hash: inForce.hashes.policyHash, ...inStep.loaded }),
    trust: () => ({
      ...{ hash: inForce.hashes.trustHash, ...inStep.loaded },
      nextExpiry: inForce.nextExpiry,
    }),
    isInStep: () => inStep.fault === undefined,
    journalLagSeconds: () => journal.lagSeconds,
    nodeName: config.nodeName,
    certificates: () => inForce.certificates,
    ledger: config.statusDetails === 'show' ? ledger : undefined,
  };
}
