// The dashboards as a whole: their form, that Grafana's words are right, and that what they ask for
// is there. e2e/dashboards.test.ts asks a real Prometheus.
import { existsSync, readFileSync } from 'node:fs';
import { defaultDashboard } from '@grafana/schema';
import { describe, expect, it } from 'vitest';
import { ENFORCEMENT_STATES, IMAGE_STATES } from '../../agent/metrics/labels.ts';
import { IMAGE_COLORS, STATE_COLORS } from '../../hack/grafana/fleet.ts';
import { dashboardFiles, FOLDERS } from '../../hack/grafana/write.ts';
import {
  DASHBOARDS,
  findPanel,
  type Panel,
  readDashboard,
  withVariables,
} from '../support/dashboard.ts';
import { DEPLOYMENT_LABELS, faultsOfQuery, labelsOf } from '../support/exported-metrics.ts';
import { groupLabelsOf, selectorsOf } from '../support/promql.ts';

const files = await dashboardFiles();
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
/** The oldest Grafana that is maintained writes this one, and newer ones read it. */
const MIN_SCHEMA_VERSION = 39;
/** Those of Grafana's units that are used; it shows a number without one for a name that it does not know. */
const UNITS = ['short', 's', 'bytes', 'percentunit', 'ops', 'reqps'];
const COLUMNS = 24;

describe('the dashboards', () => {
  it('are all that is written', () => {
    expect([...files.keys()]).toEqual(DASHBOARDS.map((name) => `${name}.json`));
  });

  it.each(FOLDERS)('are in %s as hack/grafana has them: `npm run dashboards`', (folder) => {
    for (const [name, json] of files) expect(readFileSync(folder + name, 'utf8')).toBe(json);
  });

  it('have a colour for every state', () => {
    expect(Object.keys(STATE_COLORS).sort()).toEqual([...ENFORCEMENT_STATES].sort());
    expect(Object.keys(IMAGE_COLORS).sort()).toEqual([...IMAGE_STATES].sort());
  });
});

it('whether nodes and admission differ is told also where they do not', () => {
  const { fieldConfig } = findPanel('nodeseal-fleet', 'Nodes and admission differ');
  const { noValue, thresholds } = fieldConfig?.defaults ?? {};
  expect(noValue).toBe('None counted');
  expect(thresholds?.steps[0]).toEqual({ color: 'green', value: null });
});

describe('a query', () => {
  const good = 'sum by (source) (rate(nodeseal_verdicts_total{decision="deny"}[5m])) > 0';

  it('is good when all that it asks for is exported', () => {
    expect(faultsOfQuery(good)).toEqual([]);
    expect(faultsOfQuery('max(nodeseal_mode) - time() or up == 0')).toEqual([]);
  });

  it.each([
    ['verdicts_total', 'verdict_total', 'nodeseal_verdict_total'],
    ['decision', 'judgement', 'nodeseal_verdicts_total.judgement'],
    ['"deny"', '"denied"', 'nodeseal_verdicts_total.decision: denied'],
    ['="deny"', '=~"allow|denied"', 'nodeseal_verdicts_total.decision: denied'],
    ['by (source)', 'by (state)', 'grouped by state'],
    ['> 0', '> 0 * nodeseal_image', 'nodeseal_image'],
  ])('is found out with %s as %s', (from, to, fault) => {
    expect(faultsOfQuery(good.replace(from, to))).toContain(fault);
  });
});

describe.each(DASHBOARDS)('%s', (name) => {
  const dashboard = readDashboard(name);
  const { uid, title, description, schemaVersion, templating } = dashboard;
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');
  const hasNode = templating.list.some((variable) => variable.name === 'node');

  it('can be imported, and asked about any data source, cluster and node', () => {
    expect({ uid, title, description }).toMatchObject({
      ...{ uid: name, title: expect.stringMatching(/^nodeseal: /) as unknown },
      description: expect.stringMatching(/[.?]$/) as unknown,
    });
    expect(schemaVersion).toBeGreaterThanOrEqual(MIN_SCHEMA_VERSION);
    expect(schemaVersion).toBeLessThanOrEqual(defaultDashboard.schemaVersion);
    const [datasource, ...others] = templating.list;
    expect(datasource).toMatchObject({ name: 'datasource', type: 'datasource' });
    expect(others.map((variable) => variable.name)).toEqual(
      name === 'nodeseal-node' ? ['cluster', 'node'] : ['cluster'],
    );
    for (const { definition = '' } of others) {
      expect(definition).toMatch(/^label_values\(nodeseal_build_info(\{.*\})?, (cluster|node)\)$/);
    }
  });

  it('gives every panel a number of its own, and its own place', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Set<string>();
    for (const { gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(COLUMNS);
      for (const cell of cellsOf(gridPos)) {
        expect(taken).not.toContain(cell);
        taken.add(cell);
      }
    }
  });

  it('tells panels apart by their titles', () => {
    expect(new Set(panels.map((panel) => panel.title)).size).toBe(panels.length);
  });

  it('has no bar for what there is none of', () => {
    const bars = panels.filter(({ type }) => type === 'bargauge');
    expect(bars).not.toEqual([]);
    for (const { targets = [] } of bars) {
      for (const { expr } of targets) expect(expr).toMatch(/ > 0\)*$/);
    }
  });

  describe.each(panels)('“$title”', (panel) => {
    it('says what it shows, in words, unit and colours of Grafana', () => {
      expect(panel.description).toMatch(/^[A-Z0-9].+\.$/);
      const { unit = '', thresholds } = panel.fieldConfig?.defaults ?? {};
      expect(UNITS).toContain(unit);
      const [base, ...above] = (thresholds?.steps ?? []).map(({ value }) => value);
      expect(base).toBeNull();
      expect(above).toEqual([...above].sort((a, b) => Number(a) - Number(b)));
      for (const other of unitsOf(panel)) expect(UNITS).toContain(other);
    });

    it('leads to runbooks that there are, and to one where it can turn red', () => {
      const { steps = [] } = panel.fieldConfig?.defaults.thresholds ?? {};
      const isAlarming = steps.some(({ color }) => color === 'red');
      expect(isAlarming && panel.links?.length === 0).toBe(false);
      for (const { url } of panel.links ?? []) {
        const [, path = ''] = /\/blob\/main\/(manifests\/runbooks\/\w+\.md)$/.exec(url) ?? [];
        expect([url, existsSync(path)]).toEqual([url, true]);
      }
    });

    it('asks the chosen data source, of the chosen nodes, for what is exported', () => {
      const { targets = [] } = panel;
      expect(targets.map(({ datasource }) => datasource)).toEqual(targets.map(() => DATASOURCE));
      expect(panel.datasource).toEqual(DATASOURCE);
      const own = ['cluster=~"$cluster"', ...(hasNode ? ['node="$node"'] : [])];
      for (const { expr } of targets) {
        expect(faultsOfQuery(expr)).toEqual([]);
        for (const { matchers } of selectorsOf(expr)) {
          const texts = matchers.map(
            ({ label, operator, value }) => label + operator + `"${value}"`,
          );
          expect(texts).toEqual(expect.arrayContaining(own));
        }
        const variables = { cluster: '', node: '', __range: '', __rate_interval: '' };
        expect(withVariables(expr, variables)).not.toContain('$');
      }
    });

    it('calls series and columns by labels that they have', () => {
      const { targets = [] } = panel;
      for (const { expr, legendFormat } of targets) {
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          expect(labelsIn(expr)).toContain(label);
        }
      }
      const [one, ...more] = targets.map(({ refId }) => `Value #${refId}`);
      const columns = targets.flatMap(({ expr }) => [...labelsIn(expr), ...labelsMadeIn(expr)]);
      columns.push(...DEPLOYMENT_LABELS, ...(more.length === 0 ? ['Value'] : [one ?? '', ...more]));
      expect(columns).toEqual(expect.arrayContaining([...columnsOf(panel)]));
    });
  });
});

function labelsIn(query: string): readonly string[] {
  const metrics = selectorsOf(query).flatMap(({ metric }) => labelsOf(metric) ?? []);
  return [...groupLabelsOf(query), ...metrics];
}

function labelsMadeIn(query: string): readonly string[] {
  return [...query.matchAll(/label_replace\(.*?, "(\w+)"/g)].map(([, label = '']) => label);
}

function columnsOf({ transformations = [] }: Panel): readonly string[] {
  return transformations.flatMap(({ options }) => options.include?.names ?? []);
}

function unitsOf({ fieldConfig }: Panel): readonly unknown[] {
  return (fieldConfig?.overrides ?? []).flatMap(({ properties }) =>
    properties.filter(({ id }) => id === 'unit').map(({ value }) => value),
  );
}

function cellsOf({ x, y, w, h }: Panel['gridPos']): readonly string[] {
  const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
  return range(y, h).flatMap((row) => range(x, w).map((column) => `${column},${row}`));
}
