// How a metric is declared: its prefix, and the registry that it is in.
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
