// A graph over time, as SVG: lines, or areas one upon the other.
import { init, type LineSeriesOption } from 'echarts';
import type { FieldConfig, Panel } from '../../../test/support/dashboard.ts';
import type { TimeRange } from '../../../test/support/node-prometheus.ts';
import type { ShownSeries } from './shown.ts';
import { CARD, LINE, MUTED } from './theme.ts';
import { formatValue } from './units.ts';

/** How much longer than the time between two values a gap is. */
const GAP_STEPS = 1.5;
/** About so many lines across. */
const TICKS = 4;

/** In pixels. */
export interface GraphSize {
  readonly width: number;
  readonly height: number;
}

/** Draws the series of a panel over all of the time; nothing is put where there is no value. */
export function graphSvg(
  { fieldConfig }: Panel,
  series: readonly ShownSeries[],
  { from, to }: TimeRange,
  size: GraphSize,
): string {
  const {
    unit = 'short',
    max,
    custom,
  }: Partial<FieldConfig['defaults']> = fieldConfig?.defaults ?? {};
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  const text = { color: MUTED, fontSize: 11 };
  chart.setOption({
    animation: false,
    backgroundColor: CARD,
    textStyle: { fontFamily: 'sans-serif' },
    grid: { left: 8, right: 28, top: 10, bottom: 4, containLabel: true },
    xAxis: {
      type: 'time',
      min: from * 1000,
      max: to * 1000,
      splitNumber: TICKS,
      axisLine: { lineStyle: { color: LINE } },
      axisTick: { show: false },
      splitLine: { show: true, lineStyle: { color: LINE } },
      axisLabel: { ...text, formatter: '{HH}:{mm}:{ss}', hideOverlap: true },
    },
    yAxis: {
      type: 'value',
      min: 0,
      ...(max === undefined ? {} : { max, interval: max / TICKS }),
      ...(unit === 'bytes' ? binaryScale(series) : { splitNumber: TICKS }),
      splitLine: { lineStyle: { color: LINE } },
      axisLabel: { ...text, formatter: (value: number) => formatValue(value, unit) },
    },
    series: series.map((one) => line(one, timesOf(series), custom)),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function line(
  { name, color, values }: ShownSeries,
  times: readonly number[],
  custom: FieldConfig['defaults']['custom'],
): LineSeriesOption {
  const byTime = new Map(values);
  const isStacked = custom?.stacking.mode === 'normal';
  return {
    ...{ type: 'line', name, color, symbol: 'none' },
    ...(isStacked ? { stack: 'all' } : {}),
    lineStyle: { width: custom?.lineWidth ?? 1, color },
    areaStyle: { color, opacity: (custom?.fillOpacity ?? 0) / 100 },
    connectNulls: false,
    data: times.map((time) => [time * 1000, numberOrNone(byTime.get(time))]),
  };
}

/** Where any series has a value, and one time in each gap that all have. */
function timesOf(series: readonly ShownSeries[]): readonly number[] {
  const all = new Set(series.flatMap(({ values }) => values.map(([time]) => time)));
  const times = [...all].sort((a, b) => a - b);
  const step = Math.min(...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
  return times.flatMap((time, index) => {
    const next = times[index + 1] ?? time;
    return next - time > step * GAP_STEPS ? [time, time + step] : [time];
  });
}

/** By powers of two, as whoever counts bytes expects. */
function binaryScale(series: readonly ShownSeries[]): { interval: number; max: number } {
  const values = series.flatMap((one) => one.values.map(([, value]) => value));
  const most = Math.max(1, ...values.filter(Number.isFinite));
  const interval = 2 ** Math.ceil(Math.log2(most / TICKS));
  return { interval, max: Math.ceil(most / interval) * interval };
}

/** `-` is how the library is told of nothing. */
function numberOrNone(value: number | undefined): number | '-' {
  return value !== undefined && Number.isFinite(value) ? value : '-';
}
