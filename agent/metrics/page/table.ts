// A table of the status page, which on a narrow screen becomes a list of cards.
import { markup, type Markup } from './markup.ts';

/**
 * The first cell of each row is its head. Roles are written out because a browser takes them from
 * whatever a style sheet makes a block of.
 */
export function table(
  caption: string,
  titles: readonly string[],
  rows: readonly (readonly Markup[])[],
): Markup {
  return markup`<table role="table">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${titles.map((title) => markup`<th role="columnheader" scope="col">${title}</th>`)}</tr></thead>
<tbody role="rowgroup">
${rows.map(
  (
    cells,
  ) => markup`<tr role="row">${cells.map((cell, index) => tableCell(cell, titles[index] ?? '', index === 0))}</tr>
`,
)}</tbody>
</table>`;
}

function tableCell(cell: Markup, title: string, isHead: boolean): Markup {
  return isHead
    ? markup`<th role="rowheader" scope="row" data-title="${title}">${cell}</th>`
    : markup`<td role="cell" data-title="${title}">${cell}</td>`;
}
