// Pulls of this node held against the admission webhook of the cluster: who asks, and who is told.
import type { Logger } from 'pino';
import {
  AdmissionComparison,
  type AdmissionComparisonOptions,
} from '../../audit/admission-comparison.ts';
import type { Clock } from '../../audit/clock.ts';
import type { Config } from '../../config.ts';
import type { AgentError } from '../../errors.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { ApiClientOptions } from '../../node/kubernetes/api-client.ts';
import { askAdmissionWebhook } from '../../node/kubernetes/ask-admission-webhook.ts';
import { COMPARISON_PATH, comparisonReview, parseComparison } from '../../webhook/comparison.ts';

/** How the webhook is asked; undefined where none is named. */
export function askAdmission(
  api: ApiClientOptions,
  { admissionConfiguration: configuration }: Pick<Config, 'admissionConfiguration'>,
): AdmissionComparisonOptions['ask'] | undefined {
  if (configuration === undefined) return undefined;
  return async (name, signal) => {
    const question = { path: COMPARISON_PATH, body: comparisonReview(name) };
    return parseComparison(await askAdmissionWebhook(api, configuration, question, signal));
  };
}

/** What telling needs. */
export interface ComparisonParts {
  readonly history: AdmissionComparisonOptions['history'];
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly metrics: Pick<Metrics, 'countError' | 'countComparison' | 'countAdmissionDisagreement'>;
}

/** Undefined where nobody is to be asked. */
export function comparisonOf(
  ask: AdmissionComparisonOptions['ask'] | undefined,
  { history, clock, log, metrics }: ComparisonParts,
): AdmissionComparison | undefined {
  if (ask === undefined) return undefined;
  let logged: string | undefined;
  const onOutcome = (error: AgentError | null): void => {
    if (error !== null) {
      metrics.countError(error.code);
      const { code, message } = error;
      if (logged !== message) log.warn({ code }, `the webhook was not compared with: ${message}`);
    } else if (logged !== undefined) log.info('the webhook is compared with again');
    logged = error?.message;
  };
  return new AdmissionComparison({
    ...{ history, ask, clock, onOutcome },
    onResult: (result) => {
      metrics.countComparison(result);
    },
    onDisagreement: (found, { repository, digest, decision, reason }, admission) => {
      metrics.countAdmissionDisagreement(found);
      const about = { ...found, repository, digest, decision, reason };
      log.warn({ ...about, admission }, 'pull and admission webhook disagree on an image');
    },
  });
}
