// A page that shows a dashboard as Grafana would lay it out, from what its queries answered: for
// README, which cannot show Grafana.
import { markup, Markup } from '../../../agent/metrics/page/markup.ts';
import type { DashboardJson, Panel } from '../../../test/support/dashboard.ts';
import type { TimeRange } from '../../../test/support/node-prometheus.ts';
import { graphSvg, type GraphSize } from './graph.ts';
import { type Answers, shownSeries, type ShownSeries, shownValue } from './shown.ts';
import { tableContent } from './table.ts';
import { CARD, GROUND, LINE, MUTED, TEXT } from './theme.ts';

/** Of Grafana's grid, in pixels. */
const COLUMNS = 24;
const ROW = 30;
const GAP = 8;
const HEAD = 30;
const LEGEND_LINE = 18;
/** Characters that fit into a line of a legend, by the width of a panel in columns. */
const CHARACTERS_PER_COLUMN = 7;
const MAX_LEGEND_LINES = 3;

const STYLE = trusted(`
* { box-sizing: border-box; }
body { margin: 0; padding: ${GAP * 2}px; background: ${GROUND}; color: ${TEXT}; font: 13px/1.4 system-ui, sans-serif; }
header { display: flex; gap: 12px; align-items: center; margin: 0 0 12px; }
h1 { font-size: 18px; font-weight: 500; margin: 0 auto 0 0; }
header span { padding: 3px 10px; background: ${CARD}; border: 1px solid ${LINE}; border-radius: 3px; }
header b { color: ${MUTED}; font-weight: 400; padding-right: 8px; }
main { display: grid; grid-template-columns: repeat(${COLUMNS}, minmax(0, 1fr)); grid-auto-rows: ${ROW}px; gap: ${GAP}px; }
h2 { font-size: 15px; font-weight: 500; margin: 0; align-self: center; }
section { display: flex; flex-direction: column; overflow: hidden; background: ${CARD}; border: 1px solid ${LINE}; border-radius: 3px; }
h3 { flex: none; height: ${HEAD}px; line-height: ${HEAD}px; margin: 0; padding: 0 10px; font-size: 13px; font-weight: 500; white-space: nowrap; }
.stat { flex: 1; display: flex; align-items: center; justify-content: center; gap: 24px; text-align: center; padding-bottom: 14px; }
.stat b { display: block; font-size: 28px; font-weight: 500; line-height: 1.2; white-space: nowrap; }
.none { color: ${MUTED}; }
.bars { flex: 1; display: grid; grid-template-columns: fit-content(60%) 1fr fit-content(30%); grid-auto-rows: minmax(18px, 40px); gap: 8px 10px; align-content: center; align-items: center; padding: 0 12px 10px; }
.bars div { display: contents; }
.bars span { overflow: hidden; text-overflow: ellipsis; text-align: right; white-space: nowrap; }
.bars i { display: block; height: 100%; background: ${LINE}; border-radius: 2px; }
.bars u { display: block; height: 100%; border-radius: 2px; opacity: .75; }
.bars b { font-weight: 500; font-size: 18px; white-space: nowrap; }
svg { flex: none; display: block; }
.legend { flex: 1; display: flex; flex-wrap: wrap; gap: 0 14px; align-content: flex-start; overflow: hidden; padding: 2px 12px 0; color: ${TEXT}; font-size: 12px; line-height: ${LEGEND_LINE}px; }
.legend i { display: inline-block; width: 14px; height: 4px; border-radius: 2px; vertical-align: 3px; margin-right: 6px; }
table { border-collapse: collapse; margin: 0 2px; }
th, td { text-align: left; font-weight: 400; padding: 5px 8px; border-bottom: 1px solid ${LINE}; white-space: nowrap; }
th { color: #6e9fff; font-weight: 500; }
`);

/** What a dashboard shows: of what time and which nodes, and the answers by the id of their panel. */
export interface Recorded {
  readonly time: TimeRange;
  /** Values of variables by their label. */
  readonly variables: Readonly<Record<string, string>>;
  readonly answers: Readonly<Record<number, Answers>>;
}

/** The page, for a window of this width in pixels. */
export function picturePage(
  { title, panels }: DashboardJson,
  { time, variables, answers }: Recorded,
  width: number,
): string {
  const column = (width - 4 * GAP - (COLUMNS - 1) * GAP) / COLUMNS;
  const parts = panels.map((panel) => {
    const { x, y, w, h } = panel.gridPos;
    const place = `grid-area: ${y + 1} / ${x + 1} / span ${h} / span ${w}`;
    if (panel.type === 'row') return markup`<h2 style="${place}">⌄ ${panel.title}</h2>`;
    const size = { width: w * (column + GAP) - GAP - 2, height: h * (ROW + GAP) - GAP - 2 };
    const content = panelContent(panel, answers[panel.id] ?? [], time, size);
    return markup`<section style="${place}"><h3>${panel.title}</h3>${content}</section>`;
  });
  const minutes = `${Math.round((time.to - time.from) / 60)} minutes`;
  const chips = Object.entries({ ...variables, Last: minutes }).map(
    ([label, value]) => markup`<span><b>${label}</b>${value}</span>`,
  );
  return markup`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style>
<header><h1>${title}</h1>${chips}</header>
<main>${parts}</main></html>`.toString();
}

function panelContent(panel: Panel, answers: Answers, time: TimeRange, size: GraphSize): Markup {
  if (panel.type === 'table') return table(panel, answers);
  const series = shownSeries(panel, answers);
  if (!series.some(({ last }) => Number.isFinite(last))) {
    return markup`<div class="stat none">${panel.fieldConfig?.defaults.noValue ?? 'No data'}</div>`;
  }
  switch (panel.type) {
    case 'stat':
      return stat(panel, series);
    case 'bargauge':
      return bars(panel, series);
    case 'timeseries':
      return graph(panel, series, time, size);
    case 'row':
      throw new TypeError('a row has no content');
  }
}

function stat(panel: Panel, series: readonly ShownSeries[]): Markup {
  const showsName = panel.options?.textMode === 'name';
  const values = series.map(({ name, color, last }) => {
    const text = showsName ? name : shownValue(panel, last);
    const small = showsName || series.length === 1 ? '' : name;
    return markup`<div>${small}<b style="color: ${color}">${text}</b></div>`;
  });
  return markup`<div class="stat">${values}</div>`;
}

function bars(panel: Panel, series: readonly ShownSeries[]): Markup {
  const most = Math.max(...series.map(({ last }) => last));
  const lines = series.map(({ name, color, last }) => {
    const share = `width: ${(100 * last) / most}%; background: ${color}`;
    const value = markup`<b style="color: ${color}">${shownValue(panel, last)}</b>`;
    return markup`<div><span>${name}</span><i><u style="${share}"></u></i>${value}</div>`;
  });
  return markup`<div class="bars">${lines}</div>`;
}

function graph(
  panel: Panel,
  series: readonly ShownSeries[],
  time: TimeRange,
  { width, height }: GraphSize,
): Markup {
  const characters = series.reduce((sum, { name }) => sum + name.length + 6, 0);
  const wanted = Math.ceil(characters / (panel.gridPos.w * CHARACTERS_PER_COLUMN));
  const legendHeight = Math.min(MAX_LEGEND_LINES, Math.max(1, wanted)) * LEGEND_LINE + 8;
  const svg = graphSvg(panel, series, time, { width, height: height - HEAD - legendHeight });
  const names = series.map(
    ({ name, color }) => markup`<span><i style="background: ${color}"></i>${name}</span>`,
  );
  return markup`${trusted(svg)}<div class="legend">${names}</div>`;
}

function table(panel: Panel, answers: Answers): Markup {
  const { head, rows } = tableContent(panel, answers);
  const lines = rows.map((cells) => {
    const columns = cells.map(
      ({ text, color = TEXT }) => markup`<td style="color: ${color}">${text}</td>`,
    );
    return markup`<tr>${columns}</tr>`;
  });
  return markup`<table><tr>${head.map((text) => markup`<th>${text}</th>`)}</tr>${lines}</table>`;
}

/** Markup that is ours already. */
function trusted(text: string): Markup {
  return new Markup([text], []);
}
