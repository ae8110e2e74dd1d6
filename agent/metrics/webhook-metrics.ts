// Every metric of the webhook's process: those of its reviews, and those that it has in common with a node's agent.
import { Registry } from 'prom-client';
import { AgentError, type ErrorCode } from '../errors.ts';
import { type AdmissionMetrics, declareAdmission } from './admission.ts';
import { declarers, type DescribedMetric, describeMetrics } from './declarers.ts';
import { declareGenerations, type GenerationMetrics } from './generations.ts';
import { type ModeName, MODES } from './labels.ts';
import { declareProcess } from './process.ts';
import { declareRegistries, type RegistryMetrics } from './registries.ts';
import type { RegistrySource, TrustSource } from './sources.ts';
import { declareTrust } from './trust.ts';

/** Counts and observes; every label value is of a closed set. */
export interface WebhookMetrics extends AdmissionMetrics, GenerationMetrics, RegistryMetrics {
  countError(code: ErrorCode): void;
  /** The text for Prometheus. */
  render(): Promise<string>;
  readonly contentType: string;
  /** Every metric, for documentation, dashboards and alerts to be checked against. */
  describe(): readonly DescribedMetric[];
}

/** Where the values come from that others keep. */
export interface WebhookMetricSources extends RegistrySource, TrustSource {
  readonly version: string;
  readonly mode: ModeName;
}

/** Creates the metrics in a registry of their own. */
export function createWebhookMetrics(sources: WebhookMetricSources): WebhookMetrics {
  const registry = new Registry();
  const { counter, gauge } = declarers(registry);
  const errors = counter('errors_total', 'Errors, by code.', 'code');
  const countError = (code: ErrorCode): void => errors.inc({ code });
  const readTrust = declareTrust(registry, sources, (error) => {
    countError(error instanceof AgentError ? error.code : 'internal');
  });
  const readProcess = declareProcess(registry);
  const modes = gauge('mode', '1 for the mode that is set for this node.', 'mode');
  for (const mode of MODES) modes.set({ mode }, Number(mode === sources.mode));
  const buildInfo = gauge('build_info', 'Constant 1; the version is the label.', 'version');
  buildInfo.set({ version: sources.version }, 1);
  return {
    ...declareAdmission(registry),
    ...declareGenerations(registry),
    ...declareRegistries(registry, sources),
    countError,
    render: () => {
      readProcess();
      readTrust();
      return registry.metrics();
    },
    contentType: registry.contentType,
    describe: () => describeMetrics(registry),
  };
}
