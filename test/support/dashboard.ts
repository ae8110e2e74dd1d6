// The dashboards as they are shipped: their panels, and each panel's queries as Grafana would send them.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../manifests/grafana/', import.meta.url));

export const DASHBOARDS = ['nodeseal-fleet', 'nodeseal-node'] as const;
export type DashboardName = (typeof DASHBOARDS)[number];

/** What Grafana's JSON says of a panel, as far as it is read here. */
export interface Panel {
  readonly id: number;
  readonly type: 'row' | 'stat' | 'timeseries' | 'bargauge' | 'table';
  readonly title: string;
  readonly description?: string;
  readonly datasource?: object;
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly targets?: readonly Target[];
  readonly links?: readonly { readonly title: string; readonly url: string }[];
  readonly fieldConfig?: FieldConfig;
  readonly options?: {
    readonly textMode?: string;
    readonly sortBy?: readonly { readonly displayName: string }[];
  };
  readonly transformations?: readonly {
    readonly id: string;
    readonly options: { readonly include?: { readonly names: readonly string[] } };
  }[];
}

/** A query of a panel. */
export interface Target {
  readonly refId: string;
  readonly datasource: object;
  readonly expr: string;
  readonly legendFormat: string;
  /** Asked for now alone, and not over the time that is shown. */
  readonly instant: boolean;
}

/** How a panel shows values. */
export interface FieldConfig {
  readonly defaults: {
    readonly unit: string;
    readonly max?: number;
    readonly noValue?: string;
    readonly thresholds: { readonly steps: readonly Step[] };
    readonly custom?: {
      readonly lineWidth: number;
      readonly fillOpacity: number;
      readonly stacking: { readonly mode: string };
    };
  };
  readonly overrides: readonly {
    readonly matcher: { readonly options: string };
    readonly properties: readonly { readonly id: string; readonly value: unknown }[];
  }[];
}

/** From this value on, this colour; null is from the least on. */
export interface Step {
  readonly color: string;
  readonly value: number | null;
}

export interface DashboardJson {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly definition?: string;
    }[];
  };
}

/** Reads a dashboard. */
export function readDashboard(name: DashboardName): DashboardJson {
  return JSON.parse(readFileSync(`${FOLDER}${name}.json`, 'utf8')) as DashboardJson;
}

/** A panel by its title, of which there has to be one. */
export function findPanel(name: DashboardName, title: string): Panel {
  const found = readDashboard(name).panels.filter((panel) => panel.title === title);
  const [panel] = found;
  if (panel === undefined || found.length > 1) {
    throw new Error(`${name}: expected one panel ${title}, found ${found.length}`);
  }
  return panel;
}

/** What a legend makes of the labels of a series. */
export function seriesName(legendFormat: string, labels: Readonly<Record<string, string>>): string {
  return legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? '');
}

/** Puts values in the place of variables; throws an Error when one is left. */
export function withVariables(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{?(\w+)\}?/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${text}: expected a variable, found ${name}`);
    return value;
  });
}
