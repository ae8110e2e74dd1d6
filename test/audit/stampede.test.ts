// The model of a cluster that the bench runs: no moment brings more to a registry than the formula says.
import { describe, expect, it } from 'vitest';
import { type Cluster, peakLoad, simulate } from '../../hack/benchmarks/cluster-model.ts';

const CLUSTER: Cluster = {
  ...{ nodes: 400, images: 20, running: 8, requests: 3 },
  ...{ spreadMs: 60_000, perSecond: 20, outageMs: 0 },
};

function total(seconds: readonly number[]): number {
  return seconds.reduce((sum, requests) => sum + requests, 0);
}

describe('a cluster', () => {
  it('asks for every image once, within the spread and the formula', () => {
    const seconds = simulate(CLUSTER, 1);
    expect(total(seconds)).toBe(400 * 20 * 3);
    expect(seconds.length).toBeLessThanOrEqual(61);
    expect(Math.max(...seconds)).toBeLessThan(peakLoad(CLUSTER));
    expect(Math.max(...seconds)).toBeGreaterThan(400);
  });

  it('comes back after an outage as it came at first, and hardly asks during it', () => {
    const outageMs = 40 * 60_000;
    const seconds = simulate({ ...CLUSTER, outageMs }, 1);
    const during = seconds.slice(0, outageMs / 1000);
    const after = seconds.slice(outageMs / 1000);
    expect(total(after)).toBe(400 * 20 * 3);
    expect(Math.max(...after)).toBeLessThan(peakLoad(CLUSTER));
    expect(Math.max(...during.slice(during.length / 2))).toBeLessThan(20);
  });

  it('is held back by the rate of its nodes alone without a spread', () => {
    const seconds = simulate({ ...CLUSTER, spreadMs: 0, perSecond: 5 }, 1);
    expect(Math.max(...seconds)).toBe(400 * 5 * 3);
  });

  it('does the same for the same seed only', () => {
    expect(simulate(CLUSTER, 7)).toEqual(simulate(CLUSTER, 7));
    expect(simulate(CLUSTER, 7)).not.toEqual(simulate(CLUSTER, 8));
  });
});
