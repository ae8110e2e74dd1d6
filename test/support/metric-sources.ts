// Sources of metrics that tell of nothing, to be replaced one by one.
import type { MetricSources, TrustSource } from '../../agent/metrics/sources.ts';

/** No policy, no trust, nothing carried in. */
export const NO_TRUST: ReturnType<TrustSource['trust']> = {
  policyHash: '',
  trustHash: '',
  expiries: [],
  firstCrlEnd: null,
  firstCarriedOcspEnd: null,
  bundleCreated: null,
};

/** A node on which nothing has happened. */
export const NO_SOURCES: MetricSources = {
  version: '1.2.3',
  mode: 'enforce',
  breakGlass: () => null,
  totals: () => ({ verdicts: [], containerdEvents: [] }),
  inventory: () => ({ images: [], containers: [] }),
  logLags: () => [],
  enforcement: () => ({ state: 'unknown', causes: [], provedAt: null, lastCanary: null }),
  canaryIntervalMs: 3_600_000,
  namesRegistry: () => false,
  trust: () => NO_TRUST,
  causeCodes: ['canary_pending'],
  flips: () => [],
  disagreements: () => [],
  pulls: () => [],
  ledgerSpace: () => ({ file: 0, free: 0 }),
};
