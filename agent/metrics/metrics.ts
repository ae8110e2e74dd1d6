// Every metric of the agent but those of its process: its name, its help and its labels.
import { type Counter, Registry } from 'prom-client';
import { AgentError, type ErrorCode } from '../errors.ts';
import { isInconclusive } from '../notation/verification/inconclusive.ts';
import type { Decision } from '../notation/verification/verdict.ts';
import { declareAudit } from './audit.ts';
import { type ComparisonMetrics, declareComparison } from './comparison.ts';
import { declarers, type DescribedMetric, describeMetrics } from './declarers.ts';
import { declareEnforcement } from './enforcement.ts';
import { declareGenerations, type GenerationMetrics } from './generations.ts';
import { declareHost, type HostMetrics } from './host.ts';
import {
  type CanaryResultName,
  CONTAINERD_EVENTS,
  DECISIONS,
  label,
  type LogSourceName,
  REASONS,
  type RemovalCauseName,
  REQUEST_OUTCOMES,
  type RequestOutcome,
  UNENFORCED_MODES,
  VERDICT_SOURCES,
  type VerdictSource,
} from './labels.ts';
import { declareImages } from './images.ts';
import { declareJournal, type LogMetrics } from './journal.ts';
import { declareModes } from './modes.ts';
import { declareProcess } from './process.ts';
import { declarePulls } from './pulls.ts';
import { declareRegistries, type RegistryMetrics } from './registries.ts';
import { declareReverification, type ReverificationMetrics } from './reverification.ts';
import type { MetricSources, Totals } from './sources.ts';
import { declareTrust } from './trust.ts';

/** Counts and observes; every label value is of a closed set. */
export interface Metrics
  extends
    HostMetrics,
    GenerationMetrics,
    RegistryMetrics,
    ReverificationMetrics,
    ComparisonMetrics {
  observeVerification(source: VerdictSource, decision: Decision, seconds: number): void;
  /** Signatures that a verdict passed over; somebody pushed them. */
  countSkippedSignatures(source: VerdictSource, count: number): void;
  /** Those of one source of the log. */
  logOf(source: LogSourceName): LogMetrics;
  countAgentRequest(outcome: RequestOutcome): void;
  countCanary(result: CanaryResultName): void;
  /** Rows of the ledger that retention removed. */
  countRemoved(cause: RemovalCauseName, count: number): void;
  countError(code: ErrorCode): void;
  /** The text for Prometheus. A source that throws loses its own metric only and is counted as an error. */
  render(): Promise<string>;
  /** The media type of `render`. */
  readonly contentType: string;
  /** Every metric, for documentation, dashboards and alerts to be checked against. */
  describe(): readonly DescribedMetric[];
}

/** From what a cache answers to the verifier's own deadline. */
const DURATION_BUCKETS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Creates the metrics in a registry of their own. */
export function createMetrics(sources: MetricSources): Metrics {
  const registry = new Registry();
  const { counter, gauge } = declarers(registry);
  const errors = counter('errors_total', 'Errors, by code.', 'code');
  const countError = (code: ErrorCode): void => errors.inc({ code });
  const onError = (error: unknown): void => {
    countError(error instanceof AgentError ? error.code : 'internal');
  };
  const readSources = declareRead(registry, sources, onError);
  const { countCanary, read: readEnforcement } = declareEnforcement(registry, sources, onError);
  const readImages = declareImages(registry, sources, onError);
  const { logOf, read: readLogs } = declareJournal(registry, sources, onError);
  const { countRemoved, read: readAudit } = declareAudit(registry, sources, onError);
  const readPulls = declarePulls(registry, sources, onError);
  const readTrust = declareTrust(registry, sources, onError);
  const readModes = declareModes(registry, sources, onError);
  const readProcess = declareProcess(registry);
  const buildInfo = gauge('build_info', 'Constant 1; the version is the label.', 'version');
  buildInfo.set({ version: sources.version }, 1);
  return {
    ...declareVerification(registry),
    ...declareGenerations(registry),
    ...declareHost(registry),
    ...declareReverification(registry),
    ...declareRegistries(registry, sources),
    ...declareComparison(registry),
    logOf,
    countCanary,
    countRemoved,
    countError,
    render: () => {
      readProcess();
      readSources();
      readEnforcement();
      readImages();
      readLogs();
      readAudit();
      readPulls();
      readTrust();
      readModes();
      return registry.metrics();
    },
    contentType: registry.contentType,
    describe: () => describeMetrics(registry),
  };
}

function declareVerification(
  registry: Registry,
): Pick<Metrics, 'observeVerification' | 'countSkippedSignatures' | 'countAgentRequest'> {
  const { counter, histogram } = declarers(registry);
  const duration = histogram(
    'verification_duration_seconds',
    'Time from a reference to its verdict.',
    DURATION_BUCKETS_SECONDS,
    ...['source', 'decision'],
  );
  const requests = counter('agent_requests_total', 'Requests of the pull verifier.', 'outcome');
  for (const outcome of REQUEST_OUTCOMES) requests.inc({ outcome }, 0);
  const skipped = counter(
    'skipped_signatures_total',
    'Signatures looked at that did not decide, because they were no good.',
    'source',
  );
  for (const source of VERDICT_SOURCES) skipped.inc({ source }, 0);
  return {
    observeVerification: (source, decision, seconds) => {
      duration.observe({ source, decision }, seconds);
    },
    countSkippedSignatures: (source, count) => skipped.inc({ source }, count),
    countAgentRequest: (outcome) => requests.inc({ outcome }),
  };
}

/**
 * Declares the metrics whose values the sources keep. The result reads them, all at one moment; a
 * source that throws leaves its metrics without samples, because a stale number would pass for a true one.
 */
function declareRead(registry: Registry, sources: MetricSources, onError: (e: unknown) => void) {
  const { counter } = declarers(registry);
  const verdictLabels = ['source', 'decision', 'reason'];
  const verdicts = counter('verdicts_total', 'Verdicts given on this node.', ...verdictLabels);
  const events = counter(
    'containerd_events_total',
    'Events in the journal of containerd.',
    'event',
  );
  const unenforced = counter(
    'unenforced_pulls_total',
    'Pulls let in against their verdict (audit) or without one (break_glass).',
    'mode',
  );
  const inconclusive = counter(
    'inconclusive_verdicts_total',
    'Verdicts that deny because nothing could be told: a registry, a responder or time.',
    'source',
  );
  const all = { verdicts, inconclusive, unenforced, events };
  return (): void => {
    for (const metric of Object.values(all)) metric.reset();
    try {
      setTotals(sources.totals(), all);
    } catch (error) {
      onError(error);
    }
  };
}

function setTotals(
  totals: Totals,
  {
    verdicts,
    inconclusive,
    unenforced,
    events,
  }: Readonly<Record<'verdicts' | 'inconclusive' | 'unenforced' | 'events', Counter>>,
): void {
  for (const source of VERDICT_SOURCES) inconclusive.inc({ source }, 0);
  for (const mode of UNENFORCED_MODES) unenforced.inc({ mode }, 0);
  for (const { source, decision, reason, mode, count } of totals.verdicts) {
    const labels = {
      source: label(VERDICT_SOURCES, source),
      decision: label(DECISIONS, decision),
      reason: label(REASONS, reason),
    };
    verdicts.inc(labels, count);
    // A reason that allows is no error code, and in no such list.
    if (decision === 'deny' && isInconclusive(reason as ErrorCode)) {
      inconclusive.inc({ source: labels.source }, count);
    }
    const isIn = mode === 'break_glass' || (mode === 'audit' && decision === 'deny');
    if (isIn) unenforced.inc({ mode }, count);
  }
  for (const event of CONTAINERD_EVENTS) events.inc({ event }, 0);
  for (const { event, count } of totals.containerdEvents) {
    events.inc({ event: label(CONTAINERD_EVENTS, event) }, count);
  }
}
