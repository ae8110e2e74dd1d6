// The metrics of enforcement: the state of this node, its causes, and the canary that proves it.
import { Counter, Gauge, type Registry } from 'prom-client';
import { CANARY_RESULTS, type CanaryResultName, ENFORCEMENT_STATES, label } from './labels.ts';
import type { EnforcementSource } from './sources.ts';

/** Declares them. `read` reads the state; when that throws, the state has no samples and `onError` is told. */
export function declareEnforcement(
  registry: Registry,
  { enforcement, causeCodes }: EnforcementSource,
  onError: (error: unknown) => void,
): { readonly countCanary: (result: CanaryResultName) => void; readonly read: () => void } {
  const of = (name: string, help: string, ...labelNames: string[]) => ({
    ...{ name: `nodeseal_${name}`, help, labelNames },
    registers: [registry],
  });
  const state = new Gauge(of('enforcement_state', '1 for the state of this node.', 'state'));
  const causes = new Gauge(
    of(
      'enforcement_causes',
      'Causes of the enforcement state, and what speaks against it.',
      'code',
    ),
  );
  const runs = new Counter(of('canary_runs_total', 'Canaries tried.', 'result'));
  for (const result of CANARY_RESULTS) runs.inc({ result }, 0);
  const success = new Gauge(
    of('canary_last_success_timestamp_seconds', 'When enforcement was last proved by a canary.'),
  );
  return {
    countCanary: (result) => runs.inc({ result }),
    read: () => {
      for (const metric of [state, causes]) metric.reset();
      success.remove();
      try {
        const found = enforcement();
        for (const name of ENFORCEMENT_STATES) state.set({ state: name }, 0);
        state.set({ state: found.state }, 1);
        for (const code of found.causes) causes.inc({ code: label(causeCodes, code) });
        if (found.provedAt !== null) success.set(found.provedAt.getTime() / 1000);
      } catch (error) {
        onError(error);
      }
    },
  };
}
