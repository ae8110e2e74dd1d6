// The metrics of enforcement: the state of this node, its causes, and the canary that proves it.
import type { Registry } from 'prom-client';
import { declarers } from './declarers.ts';
import { CANARY_RESULTS, type CanaryResultName, ENFORCEMENT_STATES, label } from './labels.ts';
import type { EnforcementSource } from './sources.ts';

/** Declares them. `read` reads the state; when that throws, the state has no samples and `onError` is told. */
export function declareEnforcement(
  registry: Registry,
  { enforcement, causeCodes, canaryIntervalMs }: EnforcementSource,
  onError: (error: unknown) => void,
): { readonly countCanary: (result: CanaryResultName) => void; readonly read: () => void } {
  const { counter, gauge } = declarers(registry);
  const state = gauge('enforcement_state', '1 for the state of this node.', 'state');
  const causes = gauge(
    'enforcement_causes',
    'Causes of the enforcement state, and what speaks against it.',
    'code',
  );
  const runs = counter('canary_runs_total', 'Canaries tried.', 'result');
  for (const result of CANARY_RESULTS) runs.inc({ result }, 0);
  const last = gauge(
    'canary_last_run_timestamp_seconds',
    'When the last canary began; how it ended is the label.',
    'result',
  );
  const success = gauge(
    'canary_last_success_timestamp_seconds',
    'When enforcement was last proved by a canary.',
  );
  gauge('canary_interval_seconds', 'Time between two canaries.').set(canaryIntervalMs / 1000);
  return {
    countCanary: (result) => runs.inc({ result }),
    read: () => {
      for (const metric of [state, causes, last]) metric.reset();
      success.remove();
      try {
        const found = enforcement();
        for (const name of ENFORCEMENT_STATES) state.set({ state: name }, 0);
        state.set({ state: found.state }, 1);
        for (const code of found.causes) causes.inc({ code: label(causeCodes, code) });
        const { lastCanary } = found;
        if (lastCanary !== null) {
          last.set({ result: lastCanary.result }, lastCanary.at.getTime() / 1000);
        }
        if (found.provedAt !== null) success.set(found.provedAt.getTime() / 1000);
      } catch (error) {
        onError(error);
      }
    },
  };
}
