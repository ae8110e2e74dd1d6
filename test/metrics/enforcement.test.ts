import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { CANARY_RESULTS as RESULTS } from '../../agent/enforcement/canary-result.ts';
import { ENFORCEMENT_STATES as STATES } from '../../agent/enforcement/state.ts';
import { declareEnforcement } from '../../agent/metrics/enforcement.ts';
import { CANARY_RESULTS, ENFORCEMENT_STATES } from '../../agent/metrics/labels.ts';
import type { EnforcementReading } from '../../agent/metrics/sources.ts';
import { parseExposition } from '../support/exposition.ts';

const PROVED_AT = new Date('2026-06-01T00:00:00.500Z');

const NEVER = { provedAt: null, lastCanary: null };
const INTERVAL = 'canary_interval_seconds 3600';

function open() {
  const registry = new Registry();
  const errors: unknown[] = [];
  const source = {
    reading: {
      ...{ state: 'unknown', causes: ['canary_pending'], ...NEVER },
    } as EnforcementReading,
    isClosed: false,
    enforcement: (): EnforcementReading => {
      if (source.isClosed) throw new Error('closed');
      return source.reading;
    },
    causeCodes: ['canary_pending', 'pull_fallback'],
    canaryIntervalMs: 3_600_000,
  };
  const metrics = declareEnforcement(registry, source, (error) => errors.push(error));
  const samples = async (): Promise<string[]> => {
    metrics.read();
    const { samples: all } = parseExposition(await registry.metrics());
    return all.map(({ name, labels, value }) =>
      [name.replace('nodeseal_', ''), ...Object.values(labels), value].join(' '),
    );
  };
  return { source, metrics, errors, samples };
}

const NO_RUNS = RESULTS.map((result) => `canary_runs_total ${result} 0`);

describe('the metrics of enforcement', () => {
  it('show one state, and the causes there are', async () => {
    const { source, samples } = open();
    expect(await samples()).toEqual([
      'enforcement_state enforcing 0',
      'enforcement_state bypassed 0',
      'enforcement_state unknown 1',
      'enforcement_causes canary_pending 1',
      ...NO_RUNS,
      INTERVAL,
    ]);
    const lastCanary = { at: new Date(7_000), result: 'refuted' } as const;
    source.reading = {
      ...{ state: 'bypassed', causes: ['pull_fallback'], provedAt: PROVED_AT, lastCanary },
    };
    expect(await samples()).toEqual([
      'enforcement_state enforcing 0',
      'enforcement_state bypassed 1',
      'enforcement_state unknown 0',
      'enforcement_causes pull_fallback 1',
      ...NO_RUNS,
      'canary_last_run_timestamp_seconds refuted 7',
      `canary_last_success_timestamp_seconds ${PROVED_AT.getTime() / 1000}`,
      INTERVAL,
    ]);
  });

  it('make no label of a code that is not of the set', async () => {
    const { source, samples } = open();
    source.reading = { state: 'bypassed', causes: ['example.io/app', 'x'], ...NEVER };
    expect(await samples()).toContain('enforcement_causes other 2');
  });

  it('count the canaries', async () => {
    const { metrics, samples } = open();
    metrics.countCanary('proved');
    metrics.countCanary('proved');
    metrics.countCanary('refuted');
    const counted = await samples();
    expect(counted).toContain('canary_runs_total proved 2');
    expect(counted).toContain('canary_runs_total refuted 1');
  });

  it('show no state rather than an old one when it cannot be read', async () => {
    const { source, errors, samples } = open();
    source.reading = { state: 'enforcing', causes: [], provedAt: PROVED_AT, lastCanary: null };
    await samples();
    source.isClosed = true;
    expect(await samples()).toEqual([...NO_RUNS, INTERVAL]);
    expect(errors).toHaveLength(1);
  });

  it('know the states and results that there are', () => {
    expect(ENFORCEMENT_STATES).toEqual(STATES);
    expect(CANARY_RESULTS).toEqual(RESULTS);
  });
});
