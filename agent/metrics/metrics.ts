// Every metric of the agent but those of its process: its name, its help and its labels.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { AgentError, type ErrorCode } from '../errors.ts';
import type { Decision } from '../notation/verification/verdict.ts';
import { declareEnforcement } from './enforcement.ts';
import {
  type CanaryResultName,
  CONTAINERD_EVENTS,
  DECISIONS,
  IMAGE_ARRIVALS,
  IMAGE_STATES,
  label,
  REASONS,
  REQUEST_OUTCOMES,
  type RequestOutcome,
  VERDICT_SOURCES,
  type VerdictSource,
} from './labels.ts';
import { declareProcess } from './process.ts';
import type { ImageCount, MetricSources, Totals } from './sources.ts';

/** A generation of policy or trust that is in force. */
export interface Generation {
  /** Counts up with each change since the agent started. */
  readonly generation: number;
  readonly loadedAt: Date;
}

/** Counts and observes; every label value is of a closed set. */
export interface Metrics {
  observeVerification(source: VerdictSource, decision: Decision, seconds: number): void;
  /** Signatures that a verdict passed over; somebody pushed them. */
  countSkippedSignatures(source: VerdictSource, count: number): void;
  countJournalEntries(count: number): void;
  /** An entry or line that could not be parsed. */
  countJournalInvalid(): void;
  /** journalctl was started again. */
  countJournalRestart(): void;
  setPolicy(policy: Generation): void;
  /** False while the policy offered last was refused; the one in force is the last good one. */
  setPolicyValid(valid: boolean): void;
  setTruststore(truststore: Generation & { readonly certificates: number }): void;
  setTruststoreValid(valid: boolean): void;
  setVerifierInstalled(installed: boolean): void;
  countHostChanges(count: number): void;
  countAgentRequest(outcome: RequestOutcome): void;
  countCanary(result: CanaryResultName): void;
  countError(code: ErrorCode): void;
  /** The text for Prometheus. A source that throws loses its own metric only and is counted as an error. */
  render(): Promise<string>;
  /** The media type of `render`. */
  readonly contentType: string;
  /** Every metric with its help, for documentation to be checked against. */
  describe(): readonly { readonly name: string; readonly help: string }[];
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
  const readProcess = declareProcess(registry);
  const buildInfo = gauge('build_info', 'Constant 1; the version is the label.', 'version');
  buildInfo.set({ version: sources.version }, 1);
  return {
    ...declareVerification(registry),
    ...declareJournal(registry),
    ...declareGenerations(registry),
    ...declareHost(registry),
    countCanary,
    countError,
    render: () => {
      readProcess();
      readSources();
      readEnforcement();
      return registry.metrics();
    },
    contentType: registry.contentType,
    describe: () => registry.getMetricsAsArray().map(({ name, help }) => ({ name, help })),
  };
}

function declareVerification(
  registry: Registry,
): Pick<Metrics, 'observeVerification' | 'countSkippedSignatures' | 'countAgentRequest'> {
  const { counter } = declarers(registry);
  const duration = new Histogram({
    name: 'nodeseal_verification_duration_seconds',
    help: 'Time from a reference to its verdict.',
    labelNames: ['source', 'decision'],
    buckets: DURATION_BUCKETS_SECONDS,
    registers: [registry],
  });
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

function declareJournal(
  registry: Registry,
): Pick<Metrics, 'countJournalEntries' | 'countJournalInvalid' | 'countJournalRestart'> {
  const { counter } = declarers(registry);
  const entries = counter('journal_entries_total', 'Journal entries handled.');
  const invalid = counter('journal_invalid_total', 'Journal entries and lines not understood.');
  const restarts = counter('journal_restarts_total', 'Times that journalctl was started again.');
  return {
    countJournalEntries: (count) => entries.inc(count),
    countJournalInvalid: () => invalid.inc(),
    countJournalRestart: () => restarts.inc(),
  };
}

function declareHost(
  registry: Registry,
): Pick<Metrics, 'setVerifierInstalled' | 'countHostChanges'> {
  const { counter, gauge } = declarers(registry);
  const installed = gauge('verifier_installed', '1 if the host held the verifier at last sight.');
  const changes = counter('host_changes_total', 'Files written, changed or removed on the host.');
  return {
    setVerifierInstalled: (value) => installed.set(Number(value)),
    countHostChanges: (count) => changes.inc(count),
  };
}

function declareGenerations(
  registry: Registry,
): Pick<Metrics, 'setPolicy' | 'setPolicyValid' | 'setTruststore' | 'setTruststoreValid'> {
  const { gauge } = declarers(registry);
  const policy = declareGeneration(registry, 'policy', 'trust policy');
  const truststore = declareGeneration(registry, 'truststore', 'trust stores');
  const certificates = gauge('truststore_certificates', 'Certificates in the trust stores.');
  return {
    setPolicy: policy.set,
    setPolicyValid: policy.setValid,
    setTruststore: (value) => {
      truststore.set(value);
      certificates.set(value.certificates);
    },
    setTruststoreValid: truststore.setValid,
  };
}

function declarers(registry: Registry) {
  const registers = [registry];
  return {
    counter: (name: string, help: string, ...labelNames: string[]): Counter =>
      new Counter({ name: `nodeseal_${name}`, help, labelNames, registers }),
    gauge: (name: string, help: string, ...labelNames: string[]): Gauge =>
      new Gauge({ name: `nodeseal_${name}`, help, labelNames, registers }),
  };
}

function declareGeneration(registry: Registry, noun: string, what: string) {
  const { gauge } = declarers(registry);
  const generation = gauge(`${noun}_generation`, `Changes of the ${what} since the agent started.`);
  const loaded = gauge(`${noun}_loaded_timestamp_seconds`, `When the ${what} came into force.`);
  const valid = gauge(`${noun}_valid`, `1 if the ${what} offered last came into force, else 0.`);
  return {
    set: (value: Generation): void => {
      generation.set(value.generation);
      loaded.set(value.loadedAt.getTime() / 1000);
    },
    setValid: (value: boolean): void => valid.set(Number(value)),
  };
}

/**
 * Declares the metrics whose values the sources keep. The result reads them, all at one moment; a
 * source that throws leaves its metrics without samples, because a stale number would pass for a true one.
 */
function declareRead(registry: Registry, sources: MetricSources, onError: (e: unknown) => void) {
  const { counter, gauge } = declarers(registry);
  const verdictLabels = ['source', 'decision', 'reason'];
  const verdicts = counter('verdicts_total', 'Verdicts given on this node.', ...verdictLabels);
  const events = counter(
    'containerd_events_total',
    'Events in the journal of containerd.',
    'event',
  );
  const images = gauge('images', 'Images on this node.', 'state', 'arrival');
  const lag = gauge('journal_lag_seconds', 'How far the reading of the journal is behind.');
  const reads = [
    () => setTotals(sources.totals(), verdicts, events),
    () => setImages(sources.images(), images),
    () => {
      const seconds = sources.journalLagSeconds();
      if (seconds !== null) lag.set(seconds);
    },
  ];
  return (): void => {
    for (const metric of [verdicts, events, images]) metric.reset();
    lag.remove();
    for (const read of reads) {
      try {
        read();
      } catch (error) {
        onError(error);
      }
    }
  };
}

function setTotals(totals: Totals, verdicts: Counter, events: Counter): void {
  for (const { source, decision, reason, count } of totals.verdicts) {
    const labels = {
      source: label(VERDICT_SOURCES, source),
      decision: label(DECISIONS, decision),
      reason: label(REASONS, reason),
    };
    verdicts.inc(labels, count);
  }
  for (const event of CONTAINERD_EVENTS) events.inc({ event }, 0);
  for (const { event, count } of totals.containerdEvents) {
    events.inc({ event: label(CONTAINERD_EVENTS, event) }, count);
  }
}

function setImages(counts: readonly ImageCount[], images: Gauge): void {
  for (const state of IMAGE_STATES) {
    for (const arrival of IMAGE_ARRIVALS) images.set({ state, arrival }, 0);
  }
  for (const { state, arrival, count } of counts) {
    const labels = { state: label(IMAGE_STATES, state), arrival: label(IMAGE_ARRIVALS, arrival) };
    images.inc(labels, count);
  }
}
