// Re-verification as the agent runs it: with its settings, its deadline, its metrics and its log.
import type { Logger } from 'pino';
import type { Ledger } from '../../audit/ledger.ts';
import { Reverification } from '../../audit/reverification.ts';
import { REVERIFICATION_TIMES } from '../../audit/reverification-schedule.ts';
import { withDeadline } from '../../deadline.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { InForce } from '../../verifier/in-force.ts';
import type { RecallingVerifier } from '../../verifier/verifier.ts';

export interface ReverificationParts {
  readonly ledger: Ledger;
  readonly verifier: RecallingVerifier;
  readonly inForce: Pick<InForce, 'hashes'>;
  readonly intervalMs: number;
  readonly spreadMs: number;
  readonly perSecond: number;
  readonly metrics: Metrics;
  readonly log: Pick<Logger, 'debug' | 'warn'>;
  /** When the ledger first had all images in this run. */
  readonly listedAt: () => Date | null;
}

/** One image out of band may take longer than a pull may, but not for ever. */
const DEADLINE_MS = 30_000;

/** Creates it; nothing runs yet. */
export function createReverification(parts: ReverificationParts): Reverification {
  const { ledger, verifier, inForce, intervalMs, spreadMs, perSecond, metrics, log } = parts;
  return new Reverification({
    ...{ ledger, perSecond, listedAt: parts.listedAt },
    verifier: {
      recall: (image, signal) =>
        withDeadline(signal, DEADLINE_MS, (within) => verifier.recall(image, within)),
      verify: (image, signal) =>
        withDeadline(signal, DEADLINE_MS, (within) => verifier.verify(image, within)),
    },
    generation: () => inForce.hashes,
    times: { ...REVERIFICATION_TIMES, intervalMs, spreadMs },
    onVerdict: ({ name }, verdict, by) => {
      const { decision, reason, message, durationMs, skippedSignatures } = verdict;
      metrics.observeVerification('reverification', decision, durationMs / 1000);
      metrics.countSkippedSignatures('reverification', skippedSignatures.count);
      metrics.countReverification(by);
      const fields = { image: name, decision, reason, durationMs, by };
      // The audit log has a line for each verdict.
      if (decision === 'allow') log.debug(fields, 're-verified');
      else log.warn(fields, `an image on this node would be refused: ${message}`);
    },
    onPause: (registry, { until, code, message }) => {
      metrics.countRegistryPause();
      log.warn({ registry, until, code }, `the registry is left alone for a while: ${message}`);
    },
  });
}
