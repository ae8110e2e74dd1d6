// What a panel shows of a series: its name, its colour and how its values are written.
import {
  type FieldConfig,
  type Panel,
  seriesName,
  type Step,
} from '../../../test/support/dashboard.ts';
import type { Series } from '../../../test/support/node-prometheus.ts';
import { colorOf, paletteColor } from './theme.ts';
import { formatValue } from './units.ts';

/** What every query of a panel answered, in the order of its queries. */
export type Answers = readonly (readonly Series[])[];

/** A series with what it is shown as. */
export interface ShownSeries {
  readonly name: string;
  readonly color: string;
  readonly values: Series['values'];
  /** The last value that is a number; NaN for none. */
  readonly last: number;
}

/** All series of a panel. */
export function shownSeries(panel: Panel, answers: Answers): readonly ShownSeries[] {
  const isGraph = panel.type === 'timeseries';
  return (panel.targets ?? [])
    .flatMap(({ legendFormat }, index) =>
      (answers[index] ?? []).map(({ metric, values }) => ({
        ...{ name: nameOf(legendFormat, metric), values },
        last: values.findLast(([, value]) => Number.isFinite(value))?.[1] ?? NaN,
      })),
    )
    .map((series, index) => {
      const other = isGraph ? paletteColor(index) : thresholdColor(panel, series.last);
      return { ...series, color: fixedColor(panel, series.name) ?? other };
    });
}

/** A value of the panel as text. */
export function shownValue({ fieldConfig }: Panel, value: number): string {
  return formatValue(value, fieldConfig?.defaults.unit ?? 'short');
}

/** What overrides say of a field or series of this name. */
export function overridesOf({ fieldConfig }: Panel, name: string): ReadonlyMap<string, unknown> {
  const { overrides = [] }: Partial<FieldConfig> = fieldConfig ?? {};
  const own = overrides.filter(({ matcher }) => matcher.options === name);
  return new Map(own.flatMap(({ properties }) => properties.map(({ id, value }) => [id, value])));
}

function nameOf(legendFormat: string, labels: Readonly<Record<string, string>>): string {
  return legendFormat === '__auto' ? '' : seriesName(legendFormat, labels);
}

function fixedColor(panel: Panel, name: string): string | undefined {
  const color = overridesOf(panel, name).get('color') as
    { readonly fixedColor: string } | undefined;
  return color === undefined ? undefined : colorOf(color.fixedColor);
}

function thresholdColor({ fieldConfig }: Panel, value: number): string {
  const steps: readonly Step[] = fieldConfig?.defaults.thresholds.steps ?? [];
  const step = steps.findLast((one) => one.value === null || value >= one.value);
  return colorOf(step?.color ?? 'text');
}
