// A table that fits the terminal: columns as wide as what is in them, and narrower only where that would not fit.
import { styleText } from 'node:util';
import { printable } from '../oci/show.ts';
import type { Style } from './output.ts';
import type { Screen } from './screen.ts';
import { widthOf, wrap } from './wrap.ts';

export interface Column {
  readonly title: string;
  /** Down to which it may be narrowed, its cells wrapped. Absent: never. */
  readonly least?: number;
}

export interface TableCell {
  /** Any text at all. */
  readonly text: string;
  readonly style?: readonly Style[] | undefined;
}

/** One wide character: less can hold none. */
const LEAST_COLUMNS = 2;
/** Between two columns. */
const GAP = 2;
/** An attacker's text must not flood a terminal. */
const MAX_CELL_CHARACTERS = 2000;

/** The whole table, its titles first. Without a width to fit, each row is one line. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly TableCell[])[],
  { columns: screenWidth, colours }: Screen,
): string {
  const shown = rows.map((row) =>
    row.map(({ text, style }) => ({ text: printable(text, MAX_CELL_CHARACTERS), style })),
  );
  const natural = columns.map(({ title }, index) =>
    Math.max(...[title, ...shown.map((row) => row[index]?.text ?? '')].map(widthOf)),
  );
  const room = screenWidth === undefined ? Infinity : screenWidth - GAP * (columns.length - 1);
  const widths = fit(natural, columns, room);
  const paint = (text: string, style: TableCell['style']) =>
    colours && style !== undefined ? styleText([...style], text, { validateStream: false }) : text;
  const titles = columns.map(({ title }) => ({ text: title, style: ['dim'] as const }));
  return [titles, ...shown].map((row) => lines(row, widths, paint)).join('');
}

/** Takes from the widest of those that may be narrowed, until all fit or none may be any more. */
function fit(natural: readonly number[], columns: readonly Column[], room: number) {
  const widths = [...natural];
  const total = (): number => widths.reduce((sum, width) => sum + width, 0);
  for (let excess = total() - room; excess > 0; excess -= 1) {
    const narrowable = columns.flatMap(({ least = Infinity }, index) =>
      (widths[index] ?? 0) > least ? [index] : [],
    );
    const [first, ...rest] = narrowable;
    if (first === undefined) break;
    const widest = rest.reduce((a, b) => ((widths[b] ?? 0) > (widths[a] ?? 0) ? b : a), first);
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

type Paint = (text: string, style: TableCell['style']) => string;

function lines(row: readonly TableCell[], widths: readonly number[], paint: Paint): string {
  const cells = row.map(({ text }, index) => wrap(text, widths[index] ?? 0, LEAST_COLUMNS));
  const height = Math.max(...cells.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) => {
    const parts = row.map(({ style }, index) => {
      const text = cells[index]?.[line] ?? '';
      const fill = ' '.repeat(Math.max(0, (widths[index] ?? 0) - widthOf(text)));
      return (text === '' ? '' : paint(text, style)) + fill;
    });
    return `${parts.join(' '.repeat(GAP)).trimEnd()}\n`;
  }).join('');
}
