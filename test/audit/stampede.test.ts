// The model of a cluster that the bench runs: no moment brings more to a registry than the formula says.
import { describe, expect, it } from 'vitest';
import { EVIDENCE_LIMITS } from '../../agent/verifier/evidence/limits.ts';
import {
  END_OF_CRL,
  END_OF_CRL_OUTAGE,
  LATE_CRL,
  OUTAGE,
  POLICY_CHANGE,
  ROLL_OUT,
} from '../../hack/benchmarks/cluster-happenings.ts';
import { type Cluster, peakLoad, simulate } from '../../hack/benchmarks/cluster-model.ts';

const CLUSTER: Cluster = {
  ...{ nodes: 100, images: 20, running: 8, requests: 3 },
  ...{ spreadMs: 60_000, perSecond: 20 },
};
const ALL = 100 * 20 * 3;
/** Each node asks for one thing, once; as long as evidence has it, whatever the spread of images. */
const OF_CRL: Cluster = {
  ...CLUSTER,
  ...{ images: 1, requests: 1, spreadMs: EVIDENCE_LIMITS.lateMs },
};

function total(seconds: readonly number[]): number {
  return seconds.reduce((sum, requests) => sum + requests, 0);
}

describe('a cluster', () => {
  it('asks for every image once, within the spread and the formula', async () => {
    const { registry } = await simulate(CLUSTER, ROLL_OUT, 1);
    expect(total(registry)).toBe(ALL);
    expect(registry.length).toBeLessThanOrEqual(61);
    expect(Math.max(...registry)).toBeLessThan(peakLoad(CLUSTER));
    expect(Math.max(...registry)).toBeGreaterThan(100);
  });

  it('asks for the refused alone when the policy changes', async () => {
    const { registry } = await simulate(CLUSTER, POLICY_CHANGE, 1);
    expect(total(registry)).toBe(ALL / 10);
    expect(Math.max(...registry)).toBeLessThan(peakLoad({ ...CLUSTER, images: 2 }));
  });

  it('asks for the next CRL once a node, before the end of the last, and no registry', async () => {
    const { registry, crl } = await simulate(CLUSTER, END_OF_CRL, 1);
    expect(total(registry)).toBe(0);
    expect(total(crl)).toBe(100);
    expect(total(crl.slice(END_OF_CRL.crl.endsAtMs / 1000))).toBe(0);
    expect(Math.max(...crl)).toBeLessThan(peakLoad(OF_CRL));
  });

  it('asks again after the end where there is no next CRL before, and comes apart', async () => {
    const { registry, crl } = await simulate(CLUSTER, LATE_CRL, 1);
    const endsAt = LATE_CRL.crl.endsAtMs / 1000;
    expect(total(registry)).toBe(0);
    expect(total(crl.slice(0, endsAt))).toBe(100);
    expect(total(crl.slice(endsAt, endsAt + 611))).toBe(100);
    expect(Math.max(...crl)).toBeLessThan(peakLoad(OF_CRL));
  });

  it('asks registries for other signatures while there is no next CRL', async () => {
    const { registry, crl } = await simulate(CLUSTER, END_OF_CRL_OUTAGE, 1);
    const backAt = END_OF_CRL_OUTAGE.crl.downMs[1] / 1000;
    expect(total(registry)).toBeGreaterThan(ALL);
    expect(total(registry.slice(backAt + 2400))).toBe(0);
    expect(Math.max(...registry)).toBeLessThan(peakLoad(CLUSTER));
    expect(Math.max(...crl)).toBeLessThan(peakLoad({ ...OF_CRL, requests: 2 }));
    // Before the end, after it, a minute later, and then at most every ten minutes.
    expect(total(crl.slice(0, backAt))).toBeLessThanOrEqual(100 * (3 + 6));
  });

  it('comes back after an outage as it came at first, and hardly asks during it', async () => {
    const { registry } = await simulate(CLUSTER, OUTAGE, 1);
    const during = registry.slice(0, 3600);
    const after = registry.slice(3600);
    expect(total(after)).toBe(ALL);
    expect(Math.max(...after)).toBeLessThan(peakLoad(CLUSTER));
    expect(Math.max(...during.slice(during.length / 2))).toBeLessThan(20);
  });

  it('is held back by the rate of its nodes alone without a spread', async () => {
    const { registry } = await simulate({ ...CLUSTER, spreadMs: 0, perSecond: 5 }, ROLL_OUT, 1);
    expect(Math.max(...registry)).toBe(100 * 5 * 3);
  });

  it('does the same for the same seed only', async () => {
    const [one, same, other] = await Promise.all(
      [7, 7, 8].map((seed) => simulate(CLUSTER, ROLL_OUT, seed)),
    );
    expect(one).toEqual(same);
    expect(one).not.toEqual(other);
  });
});
