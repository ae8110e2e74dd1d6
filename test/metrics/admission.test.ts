import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { declareAdmission } from '../../agent/metrics/admission.ts';
import { REVIEW_PATHS } from '../../agent/webhook/review.ts';
import { parseExposition } from '../support/exposition.ts';

describe('the metrics of reviews', () => {
  it.each(REVIEW_PATHS)('have samples before the first: %s', async (path) => {
    const registry = new Registry();
    const metrics = declareAdmission(registry);
    const samplesOf = async () =>
      parseExposition(await registry.metrics())
        .samples.filter(({ labels }) => labels['path'] === path)
        .filter(({ labels: { outcome = 'denied', le = '+Inf' } }) => outcome + le === 'denied+Inf')
        .map(({ name, value }) => [name.replace('nodeseal_admission_', ''), value]);
    const names = [
      'reviews_total',
      ...['bucket', 'sum', 'count'].map((part) => `review_duration_seconds_${part}`),
    ];
    expect(await samplesOf()).toEqual(names.map((name) => [name, 0]));
    metrics.observeReview(path, 'denied', 2);
    expect((await samplesOf()).map(([, value]) => value)).toEqual([1, 1, 2, 1]);
  });
});
