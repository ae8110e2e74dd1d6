// The metric of pulls: each once, as what it was counted as in the ledger.
import type { Registry } from 'prom-client';
import { declarers } from './declarers.ts';
import { label, PULL_CAUSES, PULL_JUDGEMENTS, PULL_MODES } from './labels.ts';
import type { PullSource } from './sources.ts';

/** Declares it. The result reads the ledger; what throws then has no samples, and `onError` is told. */
export function declarePulls(
  registry: Registry,
  { pulls }: PullSource,
  onError: (error: unknown) => void,
): () => void {
  const { counter } = declarers(registry);
  const total = counter(
    'pulls_total',
    'Pulls: as our verifier judged (allow, deny), refused without a verdict of ours (blocked, no_judgement), let in without one (unjudged), or ended before any (not_reached).',
    ...['judgement', 'cause', 'mode'],
  );
  return () => {
    total.reset();
    try {
      const found = pulls();
      for (const judgement of PULL_JUDGEMENTS) {
        const isOurs = judgement === 'allow' || judgement === 'deny';
        total.inc({ judgement, cause: '', mode: isOurs ? 'enforce' : 'none' }, 0);
      }
      for (const { judgement, cause, mode, count } of found) {
        const labels = {
          judgement: label(PULL_JUDGEMENTS, judgement),
          cause: label(PULL_CAUSES, cause),
          mode: label(PULL_MODES, mode),
        };
        total.inc(labels, count);
      }
    } catch (error) {
      onError(error);
    }
  };
}
