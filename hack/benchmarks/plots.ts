// The plots of README, from what was recorded: hack/benchmarks/plots/NAME-THEME.svg. `npm run readme` writes them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EChartsOption, GridComponentOption, SeriesOption } from 'echarts';
import { END_OF_CRL_OUTAGE, OUTAGE, POLICY_CHANGE, ROLL_OUT } from './cluster-happenings.ts';
import { median, quantile } from './measurement.ts';
import { findMeasurement, ratiosOf } from './numbers.ts';
import { COLORS, draw, type Theme } from './plot.ts';
import type { BenchRecord } from './record.ts';

/** Where they are. */
export const PLOTS = join(import.meta.dirname, 'plots');

const WIDTH = 900;
const ROW_HEIGHT = 26;
/** Not left to the library, which cannot know how wide a text becomes. */
const LABELS_WIDTH = 240;
const RATIO_EDGE = 90;
const SCALE_HEIGHT = 460;
const GROWTH_HEIGHT = 320;
/** As the bench `scale` has them. */
const NODES = [10, 500, 5000];
const HAPPENINGS = [ROLL_OUT, POLICY_CHANGE, END_OF_CRL_OUTAGE, OUTAGE];
const GROWING: readonly (readonly [string, string])[] = [
  ['resident, idle', 'resident memory, MB'],
  ['ledger', 'ledger, MB'],
  ['from start to ready', 'start to ready, ms'],
];

/** The plots by the name of their file. */
export function plots(record: BenchRecord): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const theme of ['light', 'dark'] as const) {
    files.set(`ratios-${theme}.svg`, ratioPlot(record, theme));
    files.set(`scale-${theme}.svg`, scalePlot(record, theme));
    files.set(`growth-${theme}.svg`, growthPlot(record, theme));
  }
  return files;
}

/** Writes them. */
export function writePlots(record: BenchRecord): void {
  mkdirSync(PLOTS, { recursive: true });
  for (const [name, svg] of plots(record)) writeFileSync(join(PLOTS, name), svg);
}

/** A point for each median, a bar from 10 to 90 %, and a stroke where it was promised to be. */
function ratioPlot(record: BenchRecord, theme: Theme): string {
  const { text, line, good, bad } = COLORS[theme];
  const rows = ratiosOf(record).map(({ label, ratio: { values, target } }) => ({
    label,
    middle: median(values),
    ends: [quantile(values, 0.1), quantile(values, 0.9)] as const,
    promised: target?.value ?? NaN,
  }));
  const colorOf = (row: (typeof rows)[number]) => (row.middle <= row.promised ? good : bad);
  const bars: readonly SeriesOption[] = rows.map((row, at) => ({
    type: 'line',
    symbol: 'none',
    lineStyle: { width: 6, color: colorOf(row), opacity: 0.45, cap: 'round' },
    data: row.ends.map((end) => [end, at]),
  }));
  const option: EChartsOption = {
    grid: { left: LABELS_WIDTH, right: 24, top: 34, bottom: 46 },
    legend: {
      ...{ top: 0, itemGap: 60, textStyle: { color: text } },
      data: ['median, 10 % to 90 %', 'at most'],
    },
    xAxis: {
      ...logAxis(theme),
      name: 'times what it is compared with',
      nameLocation: 'middle',
      nameGap: 26,
      axisLabel: { color: text, formatter: (value: number) => `${value}x` },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map(({ label }) => label),
      axisLabel: { color: text },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: line } },
    },
    series: [
      ...bars,
      {
        ...{ type: 'scatter', name: 'median, 10 % to 90 %', symbolSize: 9, color: good },
        data: rows.map((row, at) => ({
          value: [row.middle, at],
          itemStyle: { color: colorOf(row) },
        })),
        markLine: {
          ...{ symbol: 'none', silent: true, label: { show: false } },
          lineStyle: { color: text, type: 'dashed' },
          data: [{ xAxis: 1 }],
        },
      },
      {
        ...{ type: 'scatter', name: 'at most', symbol: 'rect', symbolSize: [3, 16], color: text },
        data: rows.map(({ promised }, at) => [promised, at]),
      },
    ],
  };
  return draw(option, theme, { width: WIDTH, height: rows.length * ROW_HEIGHT + RATIO_EDGE });
}

/** A panel for each thing that happens, a line for each size of cluster. */
function scalePlot(record: BenchRecord, theme: Theme): string {
  const { text, series } = COLORS[theme];
  const panels = HAPPENINGS.map(({ name }) => ({
    title: `${name}: requests a second`,
    lines: NODES.map((nodes) => {
      const { curve } = findMeasurement(record, 'scale', `${name}, ${nodes} nodes: most`);
      return (curve?.x ?? []).map((seconds, n) => [seconds / 60, curve?.y[n] || null]);
    }),
  }));
  return draw(
    {
      ...panelled(
        panels.map(({ title }) => title),
        2,
        theme,
      ),
      legend: { bottom: 0, itemGap: 40, textStyle: { color: text }, data: NODES.map(nodesText) },
      xAxis: panels.map((_, panel) => ({
        ...valueAxis(theme),
        ...{ type: 'value', gridIndex: panel, max: (HAPPENINGS[panel]?.forMs ?? 0) / 60_000 },
        axisLabel: { color: text, formatter: '{value} min' },
      })),
      yAxis: panels.map((_, panel) => ({
        ...logAxis(theme),
        gridIndex: panel,
        min: 1,
        max: 100_000,
      })),
      series: panels.flatMap(({ lines }, panel) =>
        lines.map((data, index): SeriesOption => ({
          ...{ type: 'line', name: nodesText(NODES[index] ?? 0), data, symbol: 'none' },
          ...{ color: series[index] ?? text, xAxisIndex: panel, yAxisIndex: panel },
        })),
      ),
    },
    theme,
    { width: WIDTH, height: SCALE_HEIGHT },
  );
}

/** A panel for each thing that grows. */
function growthPlot(record: BenchRecord, theme: Theme): string {
  const { text, good } = COLORS[theme];
  const panels = GROWING.map(([what, title]) => {
    const { curve, values } = findMeasurement(record, 'growth', `${what}: exponent`);
    const power = values[0]?.toFixed(2) ?? '';
    return { title: `${title}: images^${power}`, x: curve?.x ?? [], y: curve?.y ?? [] };
  });
  return draw(
    {
      ...panelled(
        panels.map(({ title }) => title),
        panels.length,
        theme,
      ),
      xAxis: panels.map((_, panel) => ({
        ...{ ...logAxis(theme), gridIndex: panel, min: 100, max: 10_000 },
        axisLabel: { color: text, formatter: (value: number) => value.toLocaleString('en') },
      })),
      yAxis: panels.map((_, panel) => ({ ...logAxis(theme), gridIndex: panel })),
      series: panels.map(({ x, y }, panel) => ({
        ...{ type: 'line', color: good, symbolSize: 7, symbol: 'circle' },
        ...{ xAxisIndex: panel, yAxisIndex: panel, data: x.map((images, n) => [images, y[n]]) },
      })),
    },
    theme,
    { width: WIDTH, height: GROWTH_HEIGHT },
  );
}

function nodesText(nodes: number): string {
  return `${nodes.toLocaleString('en')} nodes`;
}

/** Titles and grids of panels in rows of so many, in parts of a hundred. */
function panelled(titles: readonly string[], columns: number, theme: Theme) {
  const rows = Math.ceil(titles.length / columns);
  const places = titles.map((_, n) => ({
    left: (100 / columns) * (n % columns) + 8,
    top: (92 / rows) * Math.floor(n / columns) + 9,
  }));
  const grid: GridComponentOption[] = places.map(({ left, top }) => ({
    ...{ left: `${left}%`, top: `${top}%`, width: `${100 / columns - 11}%` },
    height: `${92 / rows - 20}%`,
  }));
  const title = titles.map((text, n) => ({
    ...{ text, left: `${(places[n]?.left ?? 0) - 4}%`, top: `${(places[n]?.top ?? 0) - 8}%` },
    textStyle: { color: COLORS[theme].text, fontSize: 12, fontWeight: 'normal' as const },
  }));
  return { grid, title };
}

function valueAxis(theme: Theme) {
  const { text, line } = COLORS[theme];
  return {
    axisLine: { lineStyle: { color: line } },
    axisTick: { show: false },
    axisLabel: { color: text },
    nameTextStyle: { color: text },
    splitLine: { lineStyle: { color: line } },
  };
}

function logAxis(theme: Theme) {
  return { ...valueAxis(theme), type: 'log' as const };
}
