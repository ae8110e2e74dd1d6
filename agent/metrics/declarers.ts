// How a metric is declared: its prefix, and the registry that it is in; and what is declared there.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Declares metrics of a registry by their names without our prefix. */
export function declarers(registry: Registry) {
  const registers = [registry];
  return {
    counter: (name: string, help: string, ...labelNames: string[]): Counter =>
      new Counter({ name: `nodeseal_${name}`, help, labelNames, registers }),
    gauge: (name: string, help: string, ...labelNames: string[]): Gauge =>
      new Gauge({ name: `nodeseal_${name}`, help, labelNames, registers }),
    histogram: (
      name: string,
      help: string,
      buckets: number[],
      ...labelNames: string[]
    ): Histogram =>
      new Histogram({ name: `nodeseal_${name}`, help, buckets, labelNames, registers }),
  };
}

/** A metric as it is declared; its series carry these labels and no others. */
export interface DescribedMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labelNames: readonly string[];
  readonly help: string;
}

/** What a registry holds, in the order in which it was declared. */
export function describeMetrics(registry: Registry): readonly DescribedMetric[] {
  // prom-client's types leave out the labels.
  const metrics = registry.getMetricsAsArray() as unknown as readonly DescribedMetric[];
  return metrics.map(({ name, type, labelNames, help }) => ({ name, type, labelNames, help }));
}
