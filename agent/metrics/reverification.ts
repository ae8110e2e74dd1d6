// The metrics of re-verification: by what images were verified out of band, and registries left alone.
import type { Registry } from 'prom-client';
import { declarers } from './declarers.ts';
import { REVERIFICATION_MEANS, type ReverificationMeansName } from './labels.ts';

/** Told by who re-verifies. */
export interface ReverificationMetrics {
  countReverification(by: ReverificationMeansName): void;
  /** A registry did not answer, and is not asked for a while. */
  countRegistryPause(): void;
}

/** Declares them. */
export function declareReverification(registry: Registry): ReverificationMetrics {
  const { counter } = declarers(registry);
  const verdicts = counter(
    'reverifications_total',
    'Verdicts out of band: by what is known without a request, by the registry, or paused because that is in trouble.',
    'by',
  );
  for (const by of REVERIFICATION_MEANS) verdicts.inc({ by }, 0);
  const pauses = counter(
    'registry_pauses_total',
    'Times that re-verification left a registry alone, because it did not answer.',
  );
  return {
    countReverification: (by) => verdicts.inc({ by }),
    countRegistryPause: () => pauses.inc(),
  };
}
