import { describe, expect, it } from 'vitest';
import { AgentError, ERROR_CODES } from '../../agent/errors.ts';
import { CONTAINERD_EVENTS, REASONS, REQUEST_OUTCOMES } from '../../agent/metrics/labels.ts';
import { createMetrics, type Metrics } from '../../agent/metrics/metrics.ts';
import { parseExposition, type Sample } from '../support/exposition.ts';
import { NO_SOURCES } from '../support/metric-sources.ts';

describe('the metrics', () => {
  it('are text that parses, each with help and type, each named by its rules', async () => {
    const metrics = createMetrics(NO_SOURCES);
    const { samples, types } = parseExposition(await metrics.render());
    expect(valueOf(samples, 'nodeseal_build_info', { version: '1.2.3' })).toBe(1);
    for (const [name, type] of types) {
      expect(name).toMatch(/^(nodeseal|process)_[a-z_]+$/);
      expect(name.endsWith('_total')).toBe(type === 'counter');
    }
    expect([...types.keys()].sort()).toEqual(
      metrics
        .describe()
        .map(({ name }) => name)
        .sort(),
    );
    for (const { help } of metrics.describe()) expect(help.length).toBeGreaterThan(10);
  });

  it('carry these labels alone, whose values are few; none names an image', () => {
    const names = createMetrics(NO_SOURCES)
      .describe()
      .flatMap(({ labelNames }) => labelNames);
    expect([...new Set(names)].sort()).toEqual([
      ...['by', 'cause', 'code', 'decision', 'event', 'from', 'judgement', 'kind', 'mode'],
      ...['outcome', 'part', 'place', 'reason', 'registry', 'result', 'source', 'state'],
      ...['to', 'type', 'version'],
    ]);
  });

  it('show each pull as what it was counted as, and what this version does not know as other', async () => {
    const timeout = { judgement: 'no_judgement', cause: 'timeout', mode: 'none' };
    const metrics = createMetrics({
      ...NO_SOURCES,
      pulls: () => [
        { judgement: 'allow', cause: '', mode: 'enforce', count: 3 },
        { ...timeout, count: 2 },
        { judgement: 'maybe', cause: 'fate', mode: 'moody', count: 1 },
      ],
    });
    await metrics.render();
    const { samples } = parseExposition(await metrics.render());
    const pulls = (labels: Record<string, string>) =>
      valueOf(samples, 'nodeseal_pulls_total', labels);
    expect(pulls({ judgement: 'allow', cause: '', mode: 'enforce' })).toBe(3);
    expect(pulls(timeout)).toBe(2);
    expect(pulls({ judgement: 'other', cause: 'other', mode: 'other' })).toBe(1);
    expect(pulls({ judgement: 'unjudged', cause: '', mode: 'none' })).toBe(0);
  });

  it('show what the ledger counted, summed where rows are alike', async () => {
    const row = { source: 'pull', decision: 'deny', reason: 'signature_missing' } as const;
    const metrics = createMetrics({
      ...NO_SOURCES,
      totals: () => ({
        verdicts: [
          { ...row, mode: 'enforce', count: 2 },
          { ...row, mode: 'audit', count: 3 },
          { ...row, reason: 'registry_timeout', mode: 'enforce', count: 4 },
          {
            ...{ source: 'reverification', decision: 'allow', reason: 'verified', mode: 'none' },
            count: 7,
          },
        ],
        containerdEvents: [{ event: 'pull_blocked', count: 5 }],
      }),
      inventory: () => ({
        images: [{ state: 'failed', cause: 'imported', count: 4 }],
        containers: [{ state: 'failed', count: 2 }],
      }),
    });
    // Twice, because a second scrape must not add to the first.
    await metrics.render();
    const { samples } = parseExposition(await metrics.render());
    expect(valueOf(samples, 'nodeseal_verdicts_total', row)).toBe(5);
    expect(valueOf(samples, 'nodeseal_inconclusive_verdicts_total', { source: 'pull' })).toBe(4);
    expect(valueOf(samples, 'nodeseal_unenforced_pulls_total', { mode: 'audit' })).toBe(3);
    expect(valueOf(samples, 'nodeseal_unenforced_pulls_total', { mode: 'break_glass' })).toBe(0);
    expect(
      valueOf(samples, 'nodeseal_verdicts_total', {
        source: 'reverification',
        decision: 'allow',
        reason: 'verified',
      }),
    ).toBe(7);
    expect(valueOf(samples, 'nodeseal_containerd_events_total', { event: 'pull_blocked' })).toBe(5);
    expect(valueOf(samples, 'nodeseal_containerd_events_total', { event: 'no_judgement' })).toBe(0);
    expect(valueOf(samples, 'nodeseal_images', { state: 'failed', cause: 'imported' })).toBe(4);
    expect(valueOf(samples, 'nodeseal_running_containers', { state: 'failed' })).toBe(2);
    expect(valueOf(samples, 'nodeseal_running_containers', { state: 'stale' })).toBe(0);
    expect(valueOf(samples, 'nodeseal_images', { state: 'verified', cause: 'no-record' })).toBe(0);
  });

  it('take no label from outside their sets, whatever the ledger holds', async () => {
    const hostile = 'x"} 1\nnodeseal_forged 1 #';
    const metrics = createMetrics({
      ...NO_SOURCES,
      totals: () =>
        ({
          verdicts: [{ source: hostile, decision: hostile, reason: hostile, count: 1 }],
          containerdEvents: [{ event: hostile, count: 1 }],
        }) as never,
      inventory: () =>
        ({
          images: [{ state: hostile, cause: hostile, count: 1 }],
          containers: [{ state: hostile, count: 1 }],
        }) as never,
    });
    const text = await metrics.render();
    expect(text).not.toContain('forged');
    const other = { source: 'other', decision: 'other', reason: 'other' };
    expect(valueOf(parseExposition(text).samples, 'nodeseal_verdicts_total', other)).toBe(1);
  });

  it('lose only what cannot be read, without a stale number, and count the error', async () => {
    let fails = false;
    const metrics = createMetrics({
      ...NO_SOURCES,
      totals: () => {
        if (fails) throw new AgentError('ledger_failed', 'disk I/O error');
        return {
          verdicts: [
            { source: 'pull', decision: 'allow', reason: 'verified', mode: 'enforce', count: 1 },
          ],
          containerdEvents: [],
        };
      },
      inventory: () => ({
        images: [{ state: 'verified', cause: 'pulled', count: 9 }],
        containers: [],
      }),
    });
    expect(named(await metrics.render(), 'nodeseal_verdicts_total')).toHaveLength(1);
    fails = true;
    const text = await metrics.render();
    expect(named(text, 'nodeseal_verdicts_total')).toEqual([]);
    const { samples } = parseExposition(text);
    expect(valueOf(samples, 'nodeseal_images', { state: 'verified', cause: 'pulled' })).toBe(9);
    expect(valueOf(samples, 'nodeseal_errors_total', { code: 'ledger_failed' })).toBe(1);
  });

  it('count as unenforced what audit would have denied, and all that break-glass let in', async () => {
    const row = { source: 'pull', count: 1 } as const;
    const metrics = createMetrics({
      ...NO_SOURCES,
      totals: () => ({
        verdicts: [
          { ...row, decision: 'allow', reason: 'verified', mode: 'audit' },
          { ...row, decision: 'deny', reason: 'policy_missing', mode: 'audit' },
          { ...row, decision: 'deny', reason: 'signature_missing', mode: 'audit' },
          { ...row, decision: 'allow', reason: 'break_glass', mode: 'break_glass' },
          { ...row, decision: 'deny', reason: 'signature_missing', mode: 'enforce' },
        ],
        containerdEvents: [],
      }),
    });
    const { samples } = parseExposition(await metrics.render());
    expect(valueOf(samples, 'nodeseal_unenforced_pulls_total', { mode: 'audit' })).toBe(2);
    expect(valueOf(samples, 'nodeseal_unenforced_pulls_total', { mode: 'break_glass' })).toBe(1);
  });

  it('show the mode, and break-glass only while it lasts', async () => {
    let end: Date | null = new Date(1_800_000_000_000);
    const metrics = createMetrics({ ...NO_SOURCES, mode: 'audit', breakGlass: () => end });
    const broken = parseExposition(await metrics.render()).samples;
    expect(valueOf(broken, 'nodeseal_mode', { mode: 'audit' })).toBe(1);
    expect(valueOf(broken, 'nodeseal_mode', { mode: 'enforce' })).toBe(0);
    expect(valueOf(broken, 'nodeseal_break_glass_active', {})).toBe(1);
    expect(valueOf(broken, 'nodeseal_break_glass_until_timestamp_seconds', {})).toBe(1_800_000_000);
    end = null;
    const text = await metrics.render();
    expect(valueOf(parseExposition(text).samples, 'nodeseal_break_glass_active', {})).toBe(0);
    expect(named(text, 'nodeseal_break_glass_until_timestamp_seconds')).toEqual([]);
  });

  const changes: [string, (metrics: Metrics) => void, string, Record<string, string>, number][] = [
    ['host changes', (m) => m.countHostChanges(2), 'host_changes_total', {}, 2],
    ['the verifier', (m) => m.setVerifierInstalled(true), 'verifier_installed', {}, 1],
    [
      'requests',
      (m) => m.countAgentRequest('deny'),
      'agent_requests_total',
      { outcome: 'deny' },
      1,
    ],
    ['errors', (m) => m.countError('internal'), 'errors_total', { code: 'internal' }, 1],
    ['a valid policy', (m) => m.setPolicyValid(true), 'policy_valid', {}, 1],
    ['a refused policy', (m) => m.setPolicyValid(false), 'policy_valid', {}, 0],
    ['valid trust', (m) => m.setTruststoreValid(true), 'truststore_valid', {}, 1],
  ];
  it.each(changes)('follow %s', async (_, change, name, labels, value) => {
    const metrics = createMetrics(NO_SOURCES);
    change(metrics);
    const { samples } = parseExposition(await metrics.render());
    expect(valueOf(samples, `nodeseal_${name}`, labels)).toBe(value);
  });

  it('follow generations of policy and trust, in seconds', async () => {
    const metrics = createMetrics(NO_SOURCES);
    metrics.setPolicy({ generation: 2, loadedAt: new Date(1_700_000_000_500) });
    metrics.setTruststore({ generation: 3, loadedAt: new Date(5000), certificates: 4 });
    const { samples } = parseExposition(await metrics.render());
    expect(valueOf(samples, 'nodeseal_policy_generation', {})).toBe(2);
    expect(valueOf(samples, 'nodeseal_policy_loaded_timestamp_seconds', {})).toBe(1_700_000_000.5);
    expect(valueOf(samples, 'nodeseal_truststore_generation', {})).toBe(3);
    expect(valueOf(samples, 'nodeseal_truststore_certificates', {})).toBe(4);
  });

  it('observe durations in seconds', async () => {
    const metrics = createMetrics(NO_SOURCES);
    metrics.observeVerification('pull', 'allow', 0.03);
    const { samples } = parseExposition(await metrics.render());
    const labels = { source: 'pull', decision: 'allow' };
    const name = 'nodeseal_verification_duration_seconds';
    expect(valueOf(samples, `${name}_sum`, labels)).toBe(0.03);
    expect(valueOf(samples, `${name}_bucket`, { ...labels, le: '0.025' })).toBe(0);
    expect(valueOf(samples, `${name}_bucket`, { ...labels, le: '0.05' })).toBe(1);
  });

  it('count signatures that were passed over, from none on', async () => {
    const metrics = createMetrics(NO_SOURCES);
    metrics.countSkippedSignatures('pull', 0);
    metrics.countSkippedSignatures('pull', 17);
    const { samples } = parseExposition(await metrics.render());
    const name = 'nodeseal_skipped_signatures_total';
    expect(valueOf(samples, name, { source: 'pull' })).toBe(17);
    expect(valueOf(samples, name, { source: 'reverification' })).toBe(0);
  });

  it('are of their own registry, so that two do not meet', async () => {
    const [a, b] = [createMetrics(NO_SOURCES), createMetrics(NO_SOURCES)];
    a.countHostChanges(1);
    const { samples } = parseExposition(await b.render());
    expect(valueOf(samples, 'nodeseal_host_changes_total', {})).toBe(0);
  });
});

it('bounds the number of series: the label sets are small and plain', () => {
  for (const set of [CONTAINERD_EVENTS, REASONS, REQUEST_OUTCOMES]) {
    expect(new Set<string>(set).size).toBe(set.length);
    expect(set.length).toBeLessThan(200);
    for (const value of set) expect(value).toMatch(/^[a-z_]+$/);
  }
  expect(REASONS).toEqual(expect.arrayContaining(Object.keys(ERROR_CODES)));
});

function named(text: string, name: string): Sample[] {
  return parseExposition(text).samples.filter((sample) => sample.name === name);
}

function valueOf(
  samples: readonly Sample[],
  name: string,
  labels: Record<string, string>,
): number | undefined {
  const same = (sample: Sample): boolean =>
    sample.name === name &&
    Object.keys(sample.labels).length === Object.keys(labels).length &&
    Object.entries(labels).every(([key, value]) => sample.labels[key] === value);
  return samples.find(same)?.value;
}
