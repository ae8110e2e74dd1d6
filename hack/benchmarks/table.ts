// A benchmark's measurements as a table on the screen: the median, and between what most of the values were.
import { isMet, type Measurement, median, quantile } from './measurement.ts';

const HEAD = ['', 'median', 'unit', '10 % to 90 %', 'runs', 'target', ''];
/** The columns of numbers. */
const AT_THE_RIGHT: ReadonlySet<number> = new Set([1, 4]);

/** Lines, each with its end. */
export function table(measurements: readonly Measurement[]): string {
  const all = [HEAD, ...measurements.map(row)];
  const widths = HEAD.map((_, column) =>
    Math.max(...all.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) =>
      cell[AT_THE_RIGHT.has(column) ? 'padStart' : 'padEnd'](widths[column] ?? 0),
    );
  return all.map((cells) => `  ${line(cells).join('  ').trimEnd()}\n`).join('');
}

function row(measurement: Measurement): readonly string[] {
  const { what, unit, values, target } = measurement;
  const spread = `${shown(quantile(values, 0.1))} to ${shown(quantile(values, 0.9))}`;
  return [
    what,
    shown(median(values)),
    unit,
    values.length > 1 ? spread : '',
    String(values.length),
    target === undefined ? '' : `${target.bound} ${target.value}`,
    { true: 'met', false: 'MISSED', undefined: '' }[String(isMet(measurement))] ?? '',
  ];
}

function shown(value: number): string {
  return value.toFixed(Math.abs(value) < 100 ? 2 : 0);
}
