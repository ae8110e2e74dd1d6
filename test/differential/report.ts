// What a run comes to, for a person: a table of kinds by agreement, and each thing to be mended.
import type { Comparison, Outcome } from './comparison.ts';
import { type Difference, DIFFERENCES } from './differences.ts';

/** What each outcome means, in the order in which a reader wants them. */
const OUTCOMES: Readonly<Record<Outcome, string>> = {
  agree: 'both decide the same',
  differ: 'a listed difference',
  disagree: 'DISAGREE, and no list says so',
  settled: 'AGREE, where the list says that they differ',
  'other reason': 'BOTH DECIDE THE SAME, but another validation failed here than there',
  stray: 'NOT THE CASE it was made to be: nodeseal found its fault elsewhere',
};
const FAILURES: readonly Outcome[] = ['disagree', 'settled', 'other reason', 'stray'];

/** The comparisons that fail a run. */
export function failuresOf(comparisons: readonly Comparison[]): readonly Comparison[] {
  return comparisons.filter(({ outcome }) => FAILURES.includes(outcome));
}

/** The listed differences that no case of the run was about. */
export function unseenDifferences(
  comparisons: readonly Comparison[],
  differences: readonly Difference[] = DIFFERENCES,
): readonly Difference[] {
  const seen = new Set(comparisons.map(({ kind }) => kind));
  return differences.filter(({ kinds }) => kinds.some((kind) => !seen.has(kind)));
}

/** The table, one line for each kind, and the sums. */
export function reportTable(comparisons: readonly Comparison[]): string {
  const kinds = Map.groupBy(comparisons, ({ kind }) => kind);
  const rows = [...kinds].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, all]) => row(kind, all));
  const all = [
    ['kind', ...Object.keys(OUTCOMES)],
    ...rows,
    row(`${kinds.size} kinds, ${comparisons.length} cases`, comparisons),
  ];
  const widths = all[0]?.map((_, column) =>
    Math.max(...all.map((cells) => (cells[column] ?? '').length)),
  );
  return all.map((cells) => `${line(cells, widths ?? [])}\n`).join('');
}

/** Each failure in full. */
export function explainFailures(comparisons: readonly Comparison[]): string {
  return failuresOf(comparisons)
    .map(({ name, outcome, explanation }) => {
      return `${name}\n  ${OUTCOMES[outcome]}\n${explanation.replaceAll(/^/gm, '  ')}\n`;
    })
    .join('\n');
}

function row(name: string, comparisons: readonly Comparison[]): readonly string[] {
  const counts = Object.keys(OUTCOMES).map(
    (wanted) => comparisons.filter(({ outcome }) => outcome === wanted).length,
  );
  return [name, ...counts.map((count) => (count === 0 ? '' : String(count)))];
}

function line(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, column) => cell[column === 0 ? 'padEnd' : 'padStart'](widths[column] ?? 0))
    .join('  ')
    .trimEnd();
}
