// Panels as our dashboards need them, and what Grafana's JSON makes of each.
import {
  type DashboardLink,
  FieldColorModeId,
  type FieldConfigSource,
  type Panel as GrafanaPanel,
  MappingType,
  ThresholdsMode,
  type ValueMap,
} from '@grafana/schema';

/** What an override sets. */
type Property = FieldConfigSource['overrides'][number]['properties'][number];

/** Colours by the value from which they hold. */
export type Thresholds = readonly (readonly [from: number | null, color: string])[];

export interface Query {
  readonly expr: string;
  /** What a series is called: text, with labels as `{{label}}`. */
  readonly legend?: string;
}

export interface Panel {
  readonly title: string;
  /** One or two sentences: what is shown, and what of it should worry. */
  readonly description: string;
  readonly kind: 'stat' | 'timeseries' | 'stacked' | 'bars' | 'table';
  readonly queries: readonly Query[];
  /** Grafana's name of a unit. */
  readonly unit?: string;
  /** The highest value that there can be. */
  readonly max?: number;
  /** What is shown where queries answer nothing, in the colour of the least values. Default: “No data”. */
  readonly nothing?: string;
  readonly thresholds?: Thresholds;
  /** Colours of series by name. */
  readonly colors?: Readonly<Record<string, string>>;
  /** In columns of 24. */
  readonly width: number;
  readonly height: number;
  /** An alert whose runbook says what to do; it is linked. */
  readonly runbook?: string;
  /** Stat: show the series' name instead of its value. */
  readonly showsName?: boolean;
  /** Table: its columns in order, by label or as `Value #A`, and what they are called. */
  readonly columns?: Readonly<Record<string, Column>>;
  /** Table: the title of the column that it is sorted by. Default: as Prometheus answers. */
  readonly sortBy?: string;
}

export interface Column {
  readonly title: string;
  readonly unit?: string;
  /** How many to show. Default: what Grafana thinks right. */
  readonly decimals?: number;
  /** Colours of its text by value. */
  readonly colors?: Readonly<Record<string, string>>;
  /** Where a click on it leads. */
  readonly link?: { readonly title: string; readonly url: string };
}

/** Panels under a title. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export const RUNBOOKS = 'https://github.com/nodeseal/nodeseal/blob/main/manifests/runbooks';

export const GOOD = 'green';
export const BAD = 'red';
export const DOUBTFUL = 'orange';

/** Nothing is good, anything is bad. */
export const NONE_IS_GOOD: Thresholds = [
  [null, GOOD],
  [1, BAD],
];
/** For states that are neither: a colour says too much. */
export const PLAIN: Thresholds = [[null, 'text']];

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const TYPES = {
  stat: 'stat',
  timeseries: 'timeseries',
  stacked: 'timeseries',
  bars: 'bargauge',
  table: 'table',
} as const;

/** A panel's JSON at a place. */
export function panelJson(
  panel: Panel,
  id: number,
  at: { readonly x: number; readonly y: number },
): GrafanaPanel {
  const { title, description, kind, width, height, runbook } = panel;
  return {
    id,
    type: TYPES[kind],
    title,
    description,
    datasource: DATASOURCE,
    gridPos: { ...at, w: width, h: height },
    links: runbook === undefined ? [] : [runbookLink(runbook)],
    targets: panel.queries.map((query, index) => target(panel, query, index)),
    fieldConfig: fieldConfig(panel),
    options: options(panel),
    ...(kind === 'table' ? { transformations: transformations(panel) } : {}),
  };
}

function runbookLink(alert: string): DashboardLink {
  return {
    ...{ type: 'link', title: `Runbook ${alert}`, url: `${RUNBOOKS}/${alert}.md` },
    ...{ asDropdown: false, includeVars: false, keepTime: false, targetBlank: true },
    ...{ icon: 'doc', tooltip: 'What it means, how to look, how to mend', tags: [] },
  };
}

function target({ kind }: Panel, { expr, legend }: Query, index: number): Record<string, unknown> {
  const isNow = kind === 'stat' || kind === 'bars' || kind === 'table';
  return {
    refId: String.fromCharCode(65 + index),
    datasource: DATASOURCE,
    editorMode: 'code',
    expr,
    legendFormat: legend ?? '__auto',
    ...(isNow ? { instant: true, range: false } : { instant: false, range: true }),
    ...(kind === 'table' ? { format: 'table' } : {}),
  };
}

function fieldConfig(panel: Panel): FieldConfigSource {
  const { kind, unit, max, nothing, thresholds = PLAIN, colors = {}, columns = {} } = panel;
  const steps = thresholds.map(([value, color]) => ({ color, value }));
  const isGraph = kind === 'timeseries' || kind === 'stacked';
  return {
    defaults: {
      unit: unit ?? 'short',
      color: { mode: isGraph ? FieldColorModeId.PaletteClassic : FieldColorModeId.Thresholds },
      thresholds: { mode: ThresholdsMode.Absolute, steps },
      ...(isGraph ? { custom: graph(kind) } : {}),
      ...(isGraph ? { min: 0 } : {}),
      ...(max === undefined ? {} : { max }),
      ...(nothing === undefined ? {} : { noValue: nothing }),
    },
    overrides: [
      ...Object.entries(colors).map(([name, color]) => ({
        matcher: { id: 'byName', options: name },
        properties: [{ id: 'color', value: { mode: FieldColorModeId.Fixed, fixedColor: color } }],
      })),
      ...Object.entries(columns).map(([name, column]) => ({
        matcher: { id: 'byName', options: name },
        properties: columnProperties(column),
      })),
    ],
  };
}

function graph(kind: Panel['kind']): Record<string, unknown> {
  const isStacked = kind === 'stacked';
  return {
    // On a stack, the line of a series that is 0 would lie on that of the series below.
    lineWidth: isStacked ? 0 : 1,
    fillOpacity: isStacked ? 70 : 10,
    showPoints: 'never',
    // A scrape that is missing must not look like a value.
    spanNulls: false,
    stacking: { mode: isStacked ? 'normal' : 'none' },
  };
}

function columnProperties({ title, unit, decimals, colors, link }: Column): Property[] {
  return [
    { id: 'displayName', value: title },
    ...(unit === undefined ? [] : [{ id: 'unit', value: unit }]),
    ...(decimals === undefined ? [] : [{ id: 'decimals', value: decimals }]),
    ...(colors === undefined ? [] : coloredText(colors)),
    ...(link === undefined ? [] : [{ id: 'links', value: [link] }]),
  ];
}

function coloredText(colors: Readonly<Record<string, string>>): Property[] {
  const entries = Object.entries(colors).map(
    ([value, color], index) => [value, { color, index }] as const,
  );
  const mapping: ValueMap = { type: MappingType.ValueToText, options: Object.fromEntries(entries) };
  return [
    { id: 'custom.cellOptions', value: { type: 'color-text' } },
    { id: 'mappings', value: [mapping] },
  ];
}

function options({ kind, showsName, sortBy }: Panel): Record<string, unknown> {
  const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false };
  switch (kind) {
    case 'stat':
      return {
        reduceOptions,
        colorMode: 'value',
        graphMode: 'none',
        textMode: showsName === true ? 'name' : 'auto',
      };
    case 'bars':
      return { reduceOptions, orientation: 'horizontal', displayMode: 'basic', showUnfilled: true };
    case 'table':
      return {
        ...{ showHeader: true, cellHeight: 'sm' },
        sortBy: sortBy === undefined ? [] : [{ displayName: sortBy, desc: false }],
      };
    case 'timeseries':
    case 'stacked':
      return {
        legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
        tooltip: { mode: 'multi', sort: 'desc' },
      };
  }
}

/** One line for each set of labels, with the columns that are named and no others. */
function transformations({ columns = {} }: Panel): NonNullable<GrafanaPanel['transformations']> {
  const names = Object.keys(columns);
  return [
    { id: 'merge', options: {} },
    { id: 'filterFieldsByName', options: { include: { names } } },
    {
      id: 'organize',
      options: { indexByName: Object.fromEntries(names.map((name, index) => [name, index])) },
    },
  ];
}
