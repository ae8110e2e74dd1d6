// The pictures of dashboards: every panel can be drawn, and says of its answers what Grafana would.
import { describe, expect, it } from 'vitest';
import { picturePage } from '../../hack/grafana/picture/page.ts';
import { tableContent } from '../../hack/grafana/picture/table.ts';
import { colorOf } from '../../hack/grafana/picture/theme.ts';
import { formatValue } from '../../hack/grafana/picture/units.ts';
import { DASHBOARDS, findPanel, readDashboard } from '../support/dashboard.ts';
import type { Series } from '../support/node-prometheus.ts';

const WIDTH = 1240;
const VARIABLES = { Cluster: 'All' };
const time = { from: 1000, to: 1060 };
const series = (metric: Series['metric'], ...values: readonly number[]): Series => ({
  metric,
  values: values.map((value, index) => [1000 + index, value] as const),
});

describe.each(DASHBOARDS)('the picture of %s', (name) => {
  const dashboard = readDashboard(name);
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');

  it('shows every panel, also without an answer', () => {
    const page = picturePage(dashboard, { time, variables: VARIABLES, answers: {} }, WIDTH);
    for (const { title } of dashboard.panels) expect(page).toContain(title);
    const empty = panels.filter(({ type }) => type !== 'table');
    const named = empty.flatMap(({ fieldConfig }) => fieldConfig?.defaults.noValue ?? []);
    for (const text of named) expect(page).toContain(`>${text}<`);
    expect(page.match(/No data/g)).toHaveLength(empty.length - named.length);
  });

  it('knows every colour', () => {
    const names = [...JSON.stringify(dashboard).matchAll(/"(?:fixedC|c)olor":"([^"]+)"/g)];
    expect(names.length).toBeGreaterThan(20);
    for (const [, name = ''] of names) expect(colorOf(name)).toMatch(/^#[0-9a-f]{6}$/);
  });

  it('shows what was answered, and lets no label be markup', () => {
    const hostile = { state: '<b>', reason: '<b>', code: '<b>', registry: '<b>', type: '<b>' };
    const answers = Object.fromEntries(
      panels.map(({ id, targets = [] }) => [id, targets.map(() => [series(hostile, 1, NaN, 2)])]),
    );
    const page = picturePage(dashboard, { time, variables: VARIABLES, answers }, WIDTH);
    expect(page).not.toContain('No data');
    expect(page).not.toMatch(/<b>(?!Cluster|Last)/);
    expect(page.match(/<svg/g)).toHaveLength(
      panels.filter(({ type }) => type === 'timeseries').length,
    );
  });
});

describe('a table', () => {
  it('puts what is of the same labels into one line, sorted as the panel says', () => {
    const good = { cluster: 'test', node: 'a' };
    const bad = { cluster: 'test', node: 'b' };
    const { head, rows } = tableContent(findPanel('nodeseal-fleet', 'Nodes'), [
      [series({ ...good, state: 'enforcing' }, 1), series({ ...bad, state: 'bypassed' }, 1)],
      [series(bad, 90), series(good, 30)],
      [series(good, 0)],
      [series(bad, 7.97)],
    ]);
    expect(head).toEqual(['Cluster', 'Node', 'State', 'Proof', 'Failed, running', 'Refused']);
    expect(rows.map((cells) => cells.map(({ text }) => text))).toEqual([
      ['test', 'b', 'bypassed', '1.5 mins', '', '8'],
      ['test', 'a', 'enforcing', '30 s', '0', ''],
    ]);
  });
});

describe('a value', () => {
  it.each([
    [0, 's', '0 s'],
    [0.0054, 's', '5.4 ms'],
    [59, 's', '59 s'],
    [60, 's', '1 min'],
    [90 * 86_400, 's', '12.9 weeks'],
    [-2 * 86_400, 's', '-2 days'],
    [0.6666, 'percentunit', '66.7%'],
    [85 * 2 ** 20, 'bytes', '85 MiB'],
    [1.25, 'ops', '1.25 ops/s'],
    [12_345, 'short', '12.3 K'],
    [8, 'short', '8'],
  ])('of %d %s is written %s', (value, unit, text) => {
    expect(formatValue(value, unit)).toBe(text);
  });

  it('has the decimals that are asked for', () => {
    expect(formatValue(7.97, 'short', 0)).toBe('8');
  });
});
