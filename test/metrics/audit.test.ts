// The metrics of the audit trail: what the ledger counted, in closed sets, and never a stale number.
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { DISAGREEMENT_CAUSES, DISAGREEMENT_KINDS } from '../../agent/audit/disagreement.ts';
import { REMOVAL_CAUSES } from '../../agent/audit/retention.ts';
import { AgentError } from '../../agent/errors.ts';
import { declareAudit } from '../../agent/metrics/audit.ts';
import { DISAGREEMENTS, REMOVAL_CAUSES as REMOVAL_LABELS } from '../../agent/metrics/labels.ts';
import type { AuditSource } from '../../agent/metrics/sources.ts';
import { parseExposition } from '../support/exposition.ts';

const EMPTY: AuditSource = {
  flips: () => [],
  disagreements: () => [],
  ledgerSpace: () => ({ file: 0, free: 0 }),
};

/** The samples of one scrape, by name and labels. */
function metricsOf(source: Partial<AuditSource>) {
  const registry = new Registry();
  const errors: unknown[] = [];
  const metrics = declareAudit(registry, { ...EMPTY, ...source }, (error) => errors.push(error));
  const scrape = async () => {
    metrics.read();
    const { samples } = parseExposition(await registry.metrics());
    return new Map(
      samples.map(({ name, labels, value }) => [
        [name.replace('nodeseal_', ''), ...Object.values(labels)].join(' '),
        value,
      ]),
    );
  };
  return { ...metrics, errors, scrape };
}

describe('the metrics of the audit trail', () => {
  it('show what the ledger counted, scrape after scrape', async () => {
    const { scrape } = metricsOf({
      flips: () => [{ from: 'allow', to: 'deny', count: 3 }],
      disagreements: () => [{ kind: 'let_in', cause: 'audit', count: 2 }],
      ledgerSpace: () => ({ file: 1000, free: 300 }),
    });
    await scrape();
    const samples = await scrape();
    expect(samples.get('verdict_flips_total allow deny')).toBe(3);
    expect(samples.get('disagreements_total let_in audit')).toBe(2);
    expect(samples.get('ledger_bytes used')).toBe(700);
    expect(samples.get('ledger_bytes free')).toBe(300);
  });

  it('are there before anything was counted, so that a first one is seen to come', async () => {
    const { scrape, countRemoved } = metricsOf({});
    const samples = await scrape();
    for (const [kind, causes] of DISAGREEMENTS) {
      for (const cause of causes)
        expect(samples.get(`disagreements_total ${kind} ${cause}`)).toBe(0);
    }
    expect(samples.get('verdict_flips_total allow deny')).toBe(0);
    expect(samples.get('verdict_flips_total deny allow')).toBe(0);
    expect(samples.get('ledger_removed_rows_total size')).toBe(0);
    countRemoved('size', 5);
    expect((await scrape()).get('ledger_removed_rows_total size')).toBe(5);
  });

  it('have a label for everything that is found', () => {
    expect([...DISAGREEMENTS.keys()]).toEqual(DISAGREEMENT_KINDS);
    expect(new Set([...DISAGREEMENTS.values()].flat())).toEqual(
      new Set(Object.keys(DISAGREEMENT_CAUSES)),
    );
    expect(REMOVAL_LABELS).toEqual(REMOVAL_CAUSES);
  });

  it('take no label from outside their sets, whatever the ledger holds', async () => {
    const { scrape } = metricsOf({
      flips: () => [{ from: 'x' as 'allow', to: 'y' as 'deny', count: 1 }],
      disagreements: () => [
        { kind: 'x', cause: 'audit', count: 1 },
        { kind: 'let_in', cause: 'x', count: 2 },
      ],
    });
    const samples = await scrape();
    expect(samples.get('verdict_flips_total other other')).toBe(1);
    expect(samples.get('disagreements_total other other')).toBe(1);
    expect(samples.get('disagreements_total let_in other')).toBe(2);
  });

  it('lose only what cannot be read', async () => {
    let fails = false;
    const { scrape, errors } = metricsOf({
      flips: () => {
        if (fails) throw new AgentError('ledger_failed', 'disk I/O error');
        return [{ from: 'allow', to: 'deny', count: 3 }];
      },
    });
    await scrape();
    fails = true;
    const samples = await scrape();
    expect([...samples.keys()].filter((key) => key.startsWith('verdict_flips'))).toEqual([]);
    expect(samples.get('ledger_bytes used')).toBe(0);
    expect(errors).toHaveLength(1);
  });
});
