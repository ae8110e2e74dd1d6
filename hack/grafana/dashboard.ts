// A dashboard's JSON: its variables, its links, and its panels laid out in rows of 24 columns.
import {
  DashboardCursorSync,
  type Dashboard as GrafanaDashboard,
  type Panel,
  type RowPanel,
  type VariableModel,
  VariableRefresh,
  VariableSort,
} from '@grafana/schema';
import { panelJson, type Row } from './panel.ts';

/** A dashboard as we write it. */
export interface Dashboard {
  /** Also the name of its file and the last part of its address. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Whether it shows one node, which is then a variable. */
  readonly hasNode: boolean;
  readonly rows: readonly Row[];
}

const COLUMNS = 24;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** The JSON that Grafana imports. */
export function dashboardJson(dashboard: Dashboard): GrafanaDashboard {
  const { uid, title, description, hasNode, rows } = dashboard;
  return {
    uid,
    title,
    description,
    tags: ['nodeseal'],
    // Grafana 11 writes this one; newer ones migrate it as they read it.
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: DashboardCursorSync.Crosshair,
    refresh: '1m',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    annotations: { list: [] },
    links: [
      {
        ...{ type: 'dashboards', title: 'nodeseal', tags: ['nodeseal'], asDropdown: false },
        ...{ includeVars: true, keepTime: true, targetBlank: false },
        ...{ icon: 'external link', tooltip: 'The other dashboards of nodeseal' },
      },
    ],
    templating: { list: variables(hasNode) },
    panels: layOut(rows),
  };
}

function variables(hasNode: boolean): VariableModel[] {
  const variable = (name: string, label: string, query: string): VariableModel => ({
    ...{ name, label, type: 'query', datasource: DATASOURCE, definition: query },
    query: { query, refId: name },
    // With each change of the time: nodes come and go.
    ...{ refresh: VariableRefresh.onTimeRangeChanged, sort: VariableSort.alphabeticalAsc },
  });
  return [
    {
      ...{ name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
    },
    {
      ...variable('cluster', 'Cluster', 'label_values(nodeseal_build_info, cluster)'),
      // Matches series without the label too.
      ...{
        includeAll: true,
        allValue: '.*',
        multi: true,
        current: { text: 'All', value: '$__all' },
      },
    },
    ...(hasNode
      ? [variable('node', 'Node', 'label_values(nodeseal_build_info{cluster=~"$cluster"}, node)')]
      : []),
  ];
}

function layOut(rows: readonly Row[]): (Panel | RowPanel)[] {
  const panels: (Panel | RowPanel)[] = [];
  let y = 0;
  for (const { title, panels: own } of rows) {
    const gridPos = { x: 0, y, w: COLUMNS, h: 1 };
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos,
      panels: [],
    });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of own) {
      if (x + panel.width > COLUMNS) {
        [x, y, height] = [0, y + height, 0];
      }
      panels.push(panelJson(panel, panels.length + 1, { x, y }));
      x += panel.width;
      height = Math.max(height, panel.height);
    }
    y += height;
  }
  return panels;
}
