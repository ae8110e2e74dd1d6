import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { declareTrust } from '../../agent/metrics/trust.ts';
import { parseExposition } from '../support/exposition.ts';
import { NO_TRUST } from '../support/metric-sources.ts';

const AT = new Date('2026-06-01T00:00:00.000Z');

function open() {
  const registry = new Registry();
  const errors: unknown[] = [];
  const source = {
    reading: NO_TRUST,
    isClosed: false,
    trust: () => {
      if (source.isClosed) throw new Error('closed');
      return source.reading;
    },
  };
  const read = declareTrust(registry, source, (error) => errors.push(error));
  const samples = async (): Promise<string[]> => {
    read();
    const { samples: all } = parseExposition(await registry.metrics());
    return all.map(({ name, labels, value }) =>
      [name.replace('nodeseal_', ''), ...Object.values(labels), value].join(' '),
    );
  };
  return { source, errors, samples };
}

describe('the metrics of trust', () => {
  it('say nothing of what there is not', async () => {
    expect(await open().samples()).toEqual([]);
  });

  it('make of a hash a number that is the same wherever the hash is', async () => {
    const { source, samples } = open();
    const policyHash = `fffffffffffff${'a'.repeat(51)}`;
    source.reading = { ...source.reading, policyHash, trustHash: '0000000000001b' };
    const found = ['policy_fingerprint 4503599627370495', 'truststore_fingerprint 1'];
    expect(await samples()).toEqual(found);
    source.reading = { ...source.reading, policyHash: `sha256:${policyHash}` };
    expect(await samples()).toEqual(found);
  });

  it('tell when trust ends, by its type, the first CRL, and what was carried in', async () => {
    const { source, samples } = open();
    source.reading = {
      ...source.reading,
      expiries: [
        { type: 'ca', at: AT },
        { type: 'tsa', at: new Date(0) },
      ],
      firstCrlEnd: AT,
      firstCarriedOcspEnd: AT,
      bundleCreated: AT,
    };
    expect(await samples()).toEqual([
      `truststore_expiry_timestamp_seconds ca ${AT.getTime() / 1000}`,
      'truststore_expiry_timestamp_seconds tsa 0',
      `crl_expiry_timestamp_seconds ${AT.getTime() / 1000}`,
      `carried_ocsp_expiry_timestamp_seconds ${AT.getTime() / 1000}`,
      `bundle_created_timestamp_seconds ${AT.getTime() / 1000}`,
    ]);
    source.reading = {
      ...source.reading,
      expiries: [],
      firstCrlEnd: null,
      firstCarriedOcspEnd: null,
      bundleCreated: null,
    };
    expect(await samples()).toEqual([]);
  });

  it('show nothing rather than what was when it cannot be read', async () => {
    const { source, errors, samples } = open();
    source.reading = {
      ...source.reading,
      policyHash: 'ab',
      firstCrlEnd: AT,
      firstCarriedOcspEnd: AT,
      bundleCreated: AT,
    };
    expect(await samples()).toHaveLength(4);
    source.isClosed = true;
    expect(await samples()).toEqual([]);
    expect(errors).toHaveLength(1);
  });
});
