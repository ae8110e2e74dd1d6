// Tells Kubernetes of the enforcement state: at each change, and often enough to show that it is looked after.
import type { Logger } from 'pino';
import type { Clock } from '../../audit/clock.ts';
import { Bell } from '../../bell.ts';
import type { Config } from '../../config.ts';
import type { Enforcement } from '../../enforcement/state.ts';
import { AgentError } from '../../errors.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import { parseApiServer, SERVICE_ACCOUNT_DIR } from '../../node/kubernetes/in-cluster.ts';
import { reportEnforcement } from '../../node/kubernetes/report-enforcement.ts';

/** What telling needs. */
export interface NodeReportParts {
  /** A look at the state; must be cheap. */
  readonly enforcement: () => Enforcement;
  /** Rejects with an AgentError. */
  readonly report: (enforcement: Enforcement, now: Date, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly metrics: Pick<Metrics, 'countError'>;
}

/** Between two reports of the same: a condition whose heartbeat is twice as old is nobody's word. */
export const HEARTBEAT_MS = 5 * 60_000;
/** Some states come of time alone, which wakes nobody: a proof grows stale. */
const LOOK_MS = 15_000;
const FIRST_RETRY_MS = 5_000;

/** How a report reaches this node's Node; undefined where no node is named, and nothing is told. */
export function reporterOf(
  { nodeName }: Pick<Config, 'nodeName'>,
  environment: Readonly<Record<string, string | undefined>>,
  serviceAccountDir = SERVICE_ACCOUNT_DIR,
): NodeReportParts['report'] | undefined {
  if (nodeName === undefined) return undefined;
  return async (enforcement, now, signal) => {
    const api = { server: parseApiServer(environment), serviceAccountDir };
    await reportEnforcement(api, nodeName, enforcement, now, signal);
  };
}

/** Reports; what fails is told once until it is another fault, counted, and tried again. Nothing else waits for it. */
export class NodeReport {
  readonly #parts: NodeReportParts;
  /** What was tried last, and when. */
  #tried = { text: '', atMs: -Infinity };
  /** Milliseconds after that until the same is due again. */
  #waitMs = 0;
  #failures = 0;
  /** The failure that the log has. */
  #logged: string | undefined;
  readonly #bell = new Bell();

  constructor(parts: NodeReportParts) {
    this.#parts = parts;
  }

  /** The state may be another: it is looked at now. */
  readonly wake = (): void => {
    this.#bell.ring();
  };

  /** Until the signal aborts. Rejects with what `enforcement` throws. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#bell.silence();
      await this.#look(signal);
      const { clock } = this.#parts;
      const leftMs = this.#tried.atMs + this.#waitMs - clock.now().getTime();
      const waitMs = Math.min(Math.max(leftMs, 0), LOOK_MS);
      await this.#bell.sleep(clock, waitMs, signal);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, enforcement } = this.#parts;
    const found = enforcement();
    const now = clock.now();
    const text = [found.state, ...found.causes.map(({ code }) => code)].join(' ');
    // A clock that jumped back must not silence it.
    const sinceMs = Math.abs(now.getTime() - this.#tried.atMs);
    if (text === this.#tried.text && sinceMs < this.#waitMs) return;
    this.#tried = { text, atMs: now.getTime() };
    await this.#report(found, now, signal);
  }

  async #report(found: Enforcement, now: Date, signal: AbortSignal): Promise<void> {
    const { report, log } = this.#parts;
    try {
      await report(found, now, signal);
      if (this.#failures > 0) log.info({ state: found.state }, 'the node object shows the state');
      this.#failures = 0;
      this.#logged = undefined;
      this.#waitMs = HEARTBEAT_MS;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      // It was broken off, which is no failure.
      if (!signal.aborted) this.#failed(error);
    }
  }

  #failed({ code, message }: AgentError): void {
    const { metrics, log, random } = this.#parts;
    metrics.countError(code);
    if (this.#logged !== message) log.warn({ code }, `the node object is out of date: ${message}`);
    this.#logged = message;
    const doubledMs = FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 16);
    this.#failures += 1;
    // A random half off: the nodes of a cluster lose their API server together.
    this.#waitMs = Math.round(Math.min(doubledMs, HEARTBEAT_MS) * (1 - random() / 2));
  }
}
