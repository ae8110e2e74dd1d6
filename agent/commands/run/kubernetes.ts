// What Kubernetes is asked and told by a running agent: pods of this node, the state of its Node, Events.
import type { Logger } from 'pino';
import type { AdmissionVerdict } from '../../audit/admission-comparison.ts';
import type { Clock } from '../../audit/clock.ts';
import { FailedContainers } from '../../audit/failed-containers.ts';
import type { Ledger } from '../../audit/ledger.ts';
import { type NoticeSent, type NoticeSeries, Notices } from '../../audit/notices.ts';
import { RefusedPulls, type WaitingContainer } from '../../audit/refused-pulls.ts';
import type { Config } from '../../config.ts';
import type { Enforcement } from '../../enforcement/state.ts';
import { AgentError } from '../../errors.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { parseApiServer, SERVICE_ACCOUNT_DIR } from '../../node/kubernetes/in-cluster.ts';
import { listWaiting, type WaitingScope } from '../../node/kubernetes/list-waiting.ts';
import { sendEvent } from '../../node/kubernetes/send-event.ts';
import { askAdmission, comparisonOf } from './admission.ts';
import { type ListPods, podsOf } from './containers.ts';
import { NodeReport, type NodeReportParts, reporterOf } from './node-report.ts';

/** How the API server is asked and told. Each asks with the token of its moment. */
export interface KubernetesAccess {
  readonly nodeName: string;
  readonly report: NodeReportParts['report'];
  readonly pods: ListPods;
  readonly waiting: (
    scope: WaitingScope,
    signal: AbortSignal,
  ) => Promise<readonly WaitingContainer[]>;
  readonly send: (series: NoticeSeries, signal: AbortSignal) => Promise<NoticeSent>;
  /** What the admission webhook would say of an image; undefined where no webhook is named. */
  readonly admission:
    ((name: string, signal: AbortSignal) => Promise<AdmissionVerdict>) | undefined;
}

/** What telling needs. */
export interface KubernetesParts {
  readonly ledger: Pick<Ledger, 'history' | 'eachImage' | 'containers'>;
  /** A look at the state; must be cheap. */
  readonly enforcement: () => Enforcement;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly metrics: Pick<Metrics, 'countError' | 'countComparison' | 'countAdmissionDisagreement'>;
}

/** Undefined, and said so, where no node is named or the environment names no API server: then nothing is told. */
export function kubernetesOf(
  config: Pick<Config, 'nodeName' | 'admissionConfiguration'>,
  environment: Readonly<Record<string, string | undefined>>,
  log: Pick<Logger, 'info' | 'warn'>,
  serviceAccountDir = SERVICE_ACCOUNT_DIR,
): KubernetesAccess | undefined {
  const { nodeName } = config;
  const report = reporterOf(config, environment, serviceAccountDir);
  const pods = podsOf(config, environment, serviceAccountDir);
  if (nodeName === undefined || report === undefined || pods === undefined) {
    log.info('no node is named: Kubernetes is told nothing');
    return undefined;
  }
  try {
    const api = { server: parseApiServer(environment), serviceAccountDir };
    return {
      ...{ nodeName, report, pods },
      waiting: (scope, signal) => listWaiting(api, nodeName, scope, signal),
      send: (series, signal) => sendEvent(api, nodeName, series, signal),
      admission: askAdmission(api, config),
    };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const { code, message } = error;
    log.warn({ code }, `no API server is known: Kubernetes is told nothing: ${message}`);
    return undefined;
  }
}

/** Of an Event on the Node, by the state. */
const STATE_REASONS = {
  enforcing: 'EnforcementProved',
  bypassed: 'EnforcementBypassed',
  unknown: 'EnforcementUnknown',
} as const;

/** Tells; what fails is told again later, and nothing else waits for it. */
export class KubernetesReports {
  readonly #access: KubernetesAccess;
  readonly #parts: KubernetesParts;
  readonly #node: NodeReport;
  readonly #notices: Notices;
  readonly #refused: RefusedPulls;
  readonly #failed: FailedContainers;
  readonly #comparison: ReturnType<typeof comparisonOf>;
  /** The failure that the log has. */
  #logged: string | undefined;

  constructor(access: KubernetesAccess, parts: KubernetesParts) {
    const { ledger, clock, random } = parts;
    this.#access = access;
    this.#parts = parts;
    this.#node = new NodeReport({ ...parts, report: access.report });
    this.#notices = new Notices({ send: access.send, onOutcome: this.#outcome, clock, random });
    const raise: Notices['raise'] = (notice) => {
      this.#notices.raise(notice);
    };
    this.#refused = new RefusedPulls({
      ...{ history: ledger.history, waiting: access.waiting, raise, clock },
      onIncident: this.#outcome,
    });
    this.#failed = new FailedContainers({
      images: () => ledger.eachImage(),
      containers: () => ledger.containers.all(),
      ...{ raise, clock },
    });
    this.#comparison = comparisonOf(access.admission, { ...parts, history: ledger.history });
  }

  /** The enforcement state or its causes are others than before. */
  readonly stateChanged = (): void => {
    const { nodeName: name } = this.#access;
    const { state, causes } = this.#parts.enforcement();
    const why = causes.map(({ message }) => message).join(' ');
    this.#notices.raise({
      subject: { kind: 'Node', namespace: '', name, uid: name, fieldPath: '' },
      type: state === 'enforcing' ? 'Normal' : 'Warning',
      reason: STATE_REASONS[state],
      message: `The enforcement of this node is now ${state}. ${why}`.trim(),
      about: '',
    });
    this.#node.wake();
  };

  /** The audit trail has further lines. */
  readonly linesAdded = (): void => {
    this.#refused.wake();
    this.#failed.wake();
    this.#comparison?.wake();
  };

  /** Other containers run than before. */
  readonly containersChanged = (): void => {
    this.#failed.wake();
  };

  /** Until the signal aborts. Rejects with `ledger_failed`. */
  async run(signal: AbortSignal): Promise<void> {
    const parts = [this.#node, this.#notices, this.#refused, this.#failed];
    const all = this.#comparison === undefined ? parts : [...parts, this.#comparison];
    await Promise.all(all.map((part) => part.run(signal)));
  }

  readonly #outcome = (error: AgentError | null): void => {
    const { log, metrics } = this.#parts;
    if (error === null) {
      if (this.#logged !== undefined) log.info('Events reach Kubernetes again');
      this.#logged = undefined;
      return;
    }
    metrics.countError(error.code);
    if (this.#logged !== error.message) {
      log.warn({ code: error.code }, `Events do not reach Kubernetes: ${error.message}`);
    }
    this.#logged = error.message;
  };
}
